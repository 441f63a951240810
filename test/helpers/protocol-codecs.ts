import { readFileSync } from 'node:fs';
import { decodeAccusation, encodeAccusation, verifyAccusation } from '../../protocol/accusation.ts';
import { decodeAuditReceipt, encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { decodeAuditRefusal, encodeAuditRefusal, verifyAuditRefusal } from '../../protocol/audit-refusal.ts';
import { fromHex } from '../../protocol/bytes.ts';
import { decodeChallenge, encodeChallenge } from '../../protocol/challenge.ts';
import { decodeAdvert, encodeAdvert, verifyAdvert } from '../../protocol/hello.ts';
import { decodeRoot, encodeRoot, verifyRoot } from '../../protocol/manifest.ts';
import { auditAnswer, auditRequest } from '../../protocol/messages/audit.ts';
import { evidenceRequest, evidenceResponse } from '../../protocol/messages/evidence.ts';
import { decodeShardFrame, encodeShardFrame, fetchRequest } from '../../protocol/messages/fetch.ts';
import { finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import { haveRequest, haveResponse } from '../../protocol/messages/have.ts';
import { manifestRequest } from '../../protocol/messages/manifest.ts';
import { releaseRequest } from '../../protocol/messages/release.ts';
import { stageOffer, stageRequest, stageResult } from '../../protocol/messages/stage.ts';
import { decodeRelease, encodeRelease, verifyRelease } from '../../protocol/release.ts';
import { decodeRepairNotice, encodeRepairNotice, verifyRepairNotice } from '../../protocol/repair-notice.ts';
import { decodeResponse, encodeResponse } from '../../protocol/response.ts';
import { decodeSegment, encodeSegment } from '../../protocol/segment.ts';
import { decodeReply, encodeReply } from '../../protocol/status.ts';
import { decodeStoreReceipt, encodeStoreReceipt, verifyStoreReceipt } from '../../protocol/store-receipt.ts';

/** Decodes, and gives back what it needs to encode or verify the same structure again. */
export interface Decoded {
  readonly value: unknown;
  encode(): Uint8Array;
  verify?(): boolean;
}

type Decoder = (bytes: Uint8Array) => Decoded;

function codec<T>(decode: (bytes: Uint8Array) => T, encode: (value: T) => Uint8Array): Decoder {
  return (bytes) => {
    const value = decode(bytes);
    return { value, encode: () => encode(value) };
  };
}

function signed<T>(
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
  verify: (value: T) => boolean,
): Decoder {
  return (bytes) => {
    const value = decode(bytes);
    return { value, encode: () => encode(value), verify: () => verify(value) };
  };
}

const CODE = { id: 1, k: 4, m: 2 } as const;

/** Every decoder of the protocol, by the names that the vectors use. */
export const DECODERS = {
  manifest: signed(decodeRoot, encodeRoot, verifyRoot),
  segment: codec(
    (bytes) => decodeSegment(bytes, CODE),
    (segment) => encodeSegment(segment, CODE),
  ),
  storeReceipt: signed(decodeStoreReceipt, encodeStoreReceipt, verifyStoreReceipt),
  release: signed(decodeRelease, encodeRelease, verifyRelease),
  advert: signed(decodeAdvert, encodeAdvert, verifyAdvert),
  accusation: signed(decodeAccusation, encodeAccusation, verifyAccusation),
  repairNotice: signed(decodeRepairNotice, encodeRepairNotice, verifyRepairNotice),
  auditRefusal: signed(decodeAuditRefusal, encodeAuditRefusal, verifyAuditRefusal),
  auditReceipt: codec(decodeAuditReceipt, encodeAuditReceipt),
  challenge: codec(decodeChallenge, encodeChallenge),
  response: codec(decodeResponse, encodeResponse),
  stageRequest: codec(stageRequest.decode, stageRequest.encode),
  stageOffer: codec(stageOffer.decode, stageOffer.encode),
  stageResult: codec(stageResult.decode, stageResult.encode),
  finalizeRequest: codec(finalizeRequest.decode, finalizeRequest.encode),
  finalizeResponse: codec(finalizeResponse.decode, finalizeResponse.encode),
  fetchRequest: codec(fetchRequest.decode, fetchRequest.encode),
  shardFrame: codec(decodeShardFrame, encodeShardFrame),
  haveRequest: codec(haveRequest.decode, haveRequest.encode),
  haveResponse: codec(haveResponse.decode, haveResponse.encode),
  manifestRequest: codec(manifestRequest.decode, manifestRequest.encode),
  releaseRequest: codec(releaseRequest.decode, releaseRequest.encode),
  evidenceRequest: codec(evidenceRequest.decode, evidenceRequest.encode),
  evidenceResponse: codec(evidenceResponse.decode, evidenceResponse.encode),
  auditRequest: codec(auditRequest.decode, auditRequest.encode),
  auditAnswer: codec(auditAnswer.decode, auditAnswer.encode),
  reply: codec(decodeReply, encodeReply),
} as const satisfies Record<string, Decoder>;

export type StructureName = keyof typeof DECODERS;

export interface StructureVectors {
  readonly network: { readonly name: string; readonly id: string };
  readonly object: {
    readonly fileKey: string;
    readonly code: { readonly id: 1; readonly k: number; readonly m: number };
    readonly shards: readonly { readonly index: number; readonly id: string; readonly commitment: string }[];
  };
  readonly manifest: {
    readonly root: string;
    readonly cid: string;
    readonly link: string;
    readonly linkWithoutKey: string;
    readonly tree: string;
  };
  readonly segment: { readonly bytes: string; readonly cid: string };
  readonly shortStripe: {
    readonly stripe: number;
    readonly dataCount: number;
    readonly hashes: readonly (string | null)[];
  };
  readonly storeReceipt: string;
  readonly release: string;
  readonly advert: string;
  readonly audit: {
    readonly held: readonly number[];
    readonly request: string;
    readonly answers: Readonly<Record<string, { readonly answer: string; readonly receipt: string }>>;
  };
  readonly messages: Readonly<Record<string, string>>;
}

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'));
}

/** The structure a message of the vectors is: its own name, or the longest that it begins with. */
function structureOf(name: string): StructureName {
  const names = (Object.keys(DECODERS) as StructureName[]).filter((known) => name.startsWith(known));
  const found = names.sort((a, b) => b.length - a.length)[0];
  if (found === undefined) throw new RangeError(`no decoder for ${name}`);
  return found;
}

/** All valid structures of structures-v1.json. */
export function validStructures(
  vectors: StructureVectors,
): { structure: StructureName; name: string; bytes: Uint8Array }[] {
  const { manifest, segment, storeReceipt, release, advert, audit, messages } = vectors;
  const named: [string, string][] = [
    ['manifest', manifest.root],
    ['manifest tree', manifest.tree],
    ['segment', segment.bytes],
    ['storeReceipt', storeReceipt],
    ['release', release],
    ['advert', advert],
    ...Object.entries(messages),
    ...Object.entries(audit.answers).flatMap(([name, { answer, receipt }]): [string, string][] => [
      [`auditAnswer ${name}`, answer],
      [`auditReceipt ${name}`, receipt],
    ]),
  ];
  return named.map(([name, hex]) => ({ structure: structureOf(name), name, bytes: fromHex(hex) }));
}
