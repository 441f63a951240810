/** What the process of a user is asked. */
export type UserRequest =
  | { readonly op: 'add'; readonly path: string; readonly commitments: 'local' | 'delegated' }
  /** `to`: the file to write; absent: the bytes are only read. */
  | { readonly op: 'get'; readonly link: string; readonly to?: string };

/** What it took, measured in that process; its processor time is that of all its threads. */
export interface UserAnswer {
  readonly link: string;
  readonly bytes: number;
  readonly milliseconds: number;
  readonly cpuSeconds: number;
}
