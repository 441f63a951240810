/** What the process of a prover is asked: an encoded audit request in base64, and the hex key of who asks. */
export interface ProofRequest {
  readonly auditor: string;
  readonly request: string;
}

/** The encoded answer in base64, and how long it took in that process. */
export interface ProofAnswer {
  readonly answer: string;
  readonly milliseconds: number;
}
