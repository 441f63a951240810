import { decode, encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { encodeAuditRefusal, signAuditRefusal } from '../../protocol/audit-refusal.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { concat, toHex } from '../../protocol/bytes.ts';
import type { StructureErrorType } from '../../protocol/cbor.ts';
import { nodeCid, shardCid } from '../../protocol/cid.ts';
import { taggedHash } from '../../protocol/hash.ts';
import type { SignedClaim } from '../../protocol/stage-claim.ts';
import { encodeReply } from '../../protocol/status.ts';
import { challengeId } from '../../protocol/transcript.ts';
import { CREATED, digest, HOLDER, OWNER } from './fixtures.ts';
import { change, formFaults, type Mutation, patch } from './mutate.ts';
import { auditFaults, excuses } from './negative-audits.ts';
import { linkFaults } from './negative-links.ts';
import { forgedNotices, noticeFaults } from './negative-repair.ts';
import { type Built, hexClaim } from './structures.ts';

type Code = StructureErrorType['code'];
type Fault = readonly [why: string, bytes: Uint8Array, code: Code, padTo?: number];

interface DecodeVector {
  readonly structure: string;
  readonly why: string;
  readonly bytes: string;
  /** Zero bytes follow up to this length. */
  readonly padTo?: number;
  readonly code: Code;
}

const ABOUT =
  'What protocol version 1 refuses. decode: bytes that the decoder of the structure refuses with that code; ' +
  'segments are read as code 1, 4+2. signatures: structures that decode but whose signature does not hold. ' +
  'stageClaims: claims of commitments whose signature does not hold. audits: audit receipts over the object of structures-v1.json that decode but do not hold. links: texts that are no links.';

const NODE = 1024 * 1024;

/** The content of test/vectors/negative-protocol.json. */
export function negativeVectors(built: Built): object {
  const { object, audit, advert } = built;
  const refusal = refusalBytes(audit.request.challenge);
  const accusation = built.messages.accusation as Uint8Array;
  const notice = built.messages.repairNotice as Uint8Array;
  const decodeVectors = [
    ...faults('manifest', object.rootBytes, manifestFaults(object.rootBytes)),
    ...faults('segment', object.segmentBytes, segmentFaults(object.segmentBytes)),
    ...faults('storeReceipt', audit.receipt, receiptFaults(audit.receipt)),
    ...faults('release', audit.release, [
      ['a root that is no manifest node', change(audit.release, { root: shardCid(digest('shard')) }), 'bad-field'],
      ['more than 512 bytes', audit.release, 'oversize', 513],
    ]),
    ...faults('advert', advert, advertFaults(advert)),
    ...faults('accusation', accusation, [
      ['an empty bundle', change(accusation, { bundle: new Uint8Array(0) }), 'bad-field'],
      ['more than 29 KiB', accusation, 'oversize', 29 * 1024 + 1],
    ]),
    ...faults('repairNotice', notice, noticeFaults(notice)),
    ...faults('auditRefusal', refusal, refusalFaults(refusal, audit.release)),
    ...shown('challenge', challengeFaults(audit.request.challenge)),
    ...shown('response', responseFaults(responseOf(built))),
    ...messageFaults(built),
  ];
  const flipped = (bytes: Uint8Array): string => {
    const { sig } = decode<{ sig: Uint8Array }>(bytes);
    return toHex(change(bytes, { sig: patch(sig, 0, (sig[0] as number) ^ 1) }));
  };
  const changed = { why: 'a changed field' };
  const signatures = [
    { structure: 'manifest', why: 'a flipped bit', bytes: flipped(object.rootBytes) },
    { structure: 'manifest', ...changed, bytes: toHex(change(object.rootBytes, { created: CREATED + 1 })) },
    {
      structure: 'manifest',
      why: 'another owner',
      bytes: toHex(change(object.rootBytes, { owner: HOLDER.publicKey })),
    },
    { structure: 'storeReceipt', why: 'a flipped bit', bytes: flipped(audit.receipt) },
    { structure: 'storeReceipt', ...changed, bytes: toHex(change(audit.receipt, { indices: bitmapOf([1]) })) },
    {
      structure: 'storeReceipt',
      why: 'another holder',
      bytes: toHex(change(audit.receipt, { holder: OWNER.publicKey })),
    },
    { structure: 'release', why: 'a flipped bit', bytes: flipped(audit.release) },
    { structure: 'release', ...changed, bytes: toHex(change(audit.release, { issuedAt: CREATED })) },
    { structure: 'advert', why: 'a flipped bit', bytes: flipped(advert) },
    { structure: 'advert', ...changed, bytes: toHex(change(advert, { free: 1 })) },
    { structure: 'accusation', why: 'a flipped bit', bytes: flipped(accusation) },
    { structure: 'accusation', ...changed, bytes: toHex(change(accusation, { issuedAt: CREATED + 1 })) },
    { structure: 'repairNotice', why: 'a flipped bit', bytes: flipped(notice) },
    ...forgedNotices(notice),
    { structure: 'auditRefusal', why: 'a flipped bit', bytes: flipped(refusal) },
    { structure: 'auditRefusal', ...changed, bytes: toHex(change(refusal, { entries: bitmapOf([0, 1]) })) },
  ];
  return {
    about: ABOUT,
    decode: decodeVectors,
    signatures,
    stageClaims: claimFaults(built.claim),
    audits: auditFaults(built),
    excuses: excuses(built),
    links: linkFaults(object.rootBytes),
  };
}

function claimFaults(claim: SignedClaim): object[] {
  const { upload, ids, commitments, sig } = claim;
  const swapped = (bytes: Uint8Array, width: number) =>
    concat(bytes.subarray(width, 2 * width), bytes.subarray(0, width), bytes.subarray(2 * width));
  const signed = concat(upload, ids, commitments);
  const moved = { upload: signed.subarray(0, 176), ids: signed.subarray(176, 240), commitments: signed.subarray(240) };
  const otherTag = HOLDER.sign(taggedHash('store-receipt', upload, ids, commitments));
  const cases: [why: string, changes: Partial<SignedClaim>][] = [
    ['a flipped bit', { sig: patch(sig, 0, (sig[0] as number) ^ 1) }],
    ['another upload', { upload: patch(upload, 0, (upload[0] as number) ^ 1) }],
    ['another holder', { holder: OWNER.publicKey }],
    ['another commitment', { commitments: patch(commitments, 47, (commitments[47] as number) ^ 1) }],
    ['commitments in another order', { commitments: swapped(commitments, 48) }],
    ['shards in another order', { ids: swapped(ids, 32) }],
    ['a shard less', { ids: ids.subarray(32), commitments: commitments.subarray(48) }],
    ['a commitment too few', { commitments: commitments.subarray(48) }],
    ['the same bytes with other boundaries', moved],
    ['no shard', { ids: new Uint8Array(0), commitments: new Uint8Array(0) }],
    ['another tag', { sig: otherTag }],
    ['no signature', { sig: new Uint8Array(64) }],
  ];
  return cases.map(([why, changes]) => ({ why, ...hexClaim({ ...claim, ...changes }) }));
}

function faults(structure: string, valid: Uint8Array, own: readonly Fault[]): DecodeVector[] {
  const form = formFaults(valid).map(({ why, bytes, code }: Mutation): Fault => [why, bytes, code]);
  return shown(structure, [...form, ...own]);
}

function shown(structure: string, list: readonly Fault[]): DecodeVector[] {
  return list.map(([why, bytes, code, padTo]) => {
    return { structure, why, bytes: toHex(bytes), ...(padTo === undefined ? {} : { padTo }), code };
  });
}

function manifestFaults(root: Uint8Array): Fault[] {
  const { segments, size } = decode<{ segments: CID[]; size: number }>(root);
  const raw = CID.createV1(0x55, createDigest(0x12, digest('shard')));
  const sha512 = CID.createV1(0x71, createDigest(0x13, Buffer.alloc(64)));
  const code = (id: number, k: number, m: number) => change(root, { code: { id, k, m } });
  return [
    ['k + m above 64', code(1, 62, 3), 'bad-field'],
    ['code 0 with two data shards', code(0, 2, 2), 'bad-field'],
    ['code 1 without parity', code(1, 4, 0), 'bad-field'],
    ['code 3', code(3, 4, 2), 'bad-field'],
    ['k = 0', code(1, 0, 2), 'bad-field'],
    ['a code with a further key', change(root, { code: { id: 1, k: 4, m: 2, n: 6 } }), 'unknown-field'],
    [
      'raw4844 with code 2',
      change(root, { payload: 'raw4844', cipher: 'none', code: { id: 2, k: 4, m: 2 } }),
      'inconsistent',
    ],
    ['raw4844 that is encrypted', change(root, { payload: 'raw4844' }), 'inconsistent'],
    ['an unknown payload', change(root, { payload: 'packed32' }), 'bad-field'],
    ['an unknown cipher', change(root, { cipher: 'aes-128-gcm' }), 'bad-field'],
    ['an unknown kind', change(root, { kind: 'link' }), 'bad-field'],
    ['a file with an index', change(root, { indexLength: 10 }), 'inconsistent'],
    ['a tree without an index', change(root, { kind: 'tree' }), 'inconsistent'],
    ['an index longer than the tree', change(root, { kind: 'tree', indexLength: size + 1 }), 'inconsistent'],
    ['no segment', change(root, { segments: [] }), 'bad-field'],
    ['more segments than the size takes', change(root, { segments: [...segments, ...segments] }), 'inconsistent'],
    ['a size that takes more segments', change(root, { size: 2 ** 40 }), 'inconsistent'],
    ['a size above 2^53 - 1', change(root, { size: 2n ** 53n }), 'malformed'],
    ['a negative size', change(root, { size: -1 }), 'bad-field'],
    ['a fractional size', change(root, { size: 1.5 }), 'malformed'],
    ['a segment that is a shard', change(root, { segments: [raw] }), 'bad-field'],
    ['a segment with another hash', change(root, { segments: [sha512] }), 'bad-field'],
    ['a network of 31 bytes', change(root, { network: Buffer.alloc(31) }), 'bad-field'],
    ['an owner of 33 bytes', change(root, { owner: Buffer.alloc(33) }), 'bad-field'],
    ['a signature of 63 bytes', change(root, { sig: Buffer.alloc(63) }), 'bad-field'],
    ['text instead of a network', change(root, { network: 'holdfast' }), 'bad-field'],
    ['null', change(root, { created: null }), 'malformed'],
    ['maps and lists nested deeper than 8', change(root, { segments: [{ nested: [[[[[[[[1]]]]]]]] }] }), 'malformed'],
    ['more than 1 MiB', root, 'oversize', NODE + 1],
  ];
}

function segmentFaults(segment: Uint8Array): Fault[] {
  const { stripes } = decode<{ stripes: { c: Uint8Array; h: Uint8Array }[] }>(segment);
  const [full, short] = stripes as [(typeof stripes)[0], (typeof stripes)[0]];
  const of = (...list: object[]) => change(segment, { stripes: list });
  const c = Buffer.concat([full.c, full.c.subarray(0, 96)]);
  return [
    ['listed parity commitments in code 1', of({ c, h: full.h }, short), 'malformed'],
    ['a short stripe before the last', of(short, full), 'malformed'],
    ['no stripe', of(), 'bad-field'],
    ['a hash too few', of(full, { c: short.c, h: short.h.subarray(32) }), 'malformed'],
    ['a hash too many', of({ c: full.c, h: Buffer.concat([full.h, full.h.subarray(32, 64)]) }, short), 'malformed'],
    ['half a commitment', of({ c: full.c.subarray(24), h: full.h }, short), 'bad-field'],
    ['half a hash', of({ c: full.c, h: full.h.subarray(16) }, short), 'bad-field'],
    ['a stripe without data', of(full, { c: new Uint8Array(0), h: short.h }), 'bad-field'],
    ['a stripe with a further key', of({ ...full, p: 1 }, short), 'unknown-field'],
    ['more stripes than 1,024 data shards', of(...Array.from({ length: 1025 }, () => new Uint8Array(3))), 'bad-field'],
    ['more than 1 MiB', segment, 'oversize', NODE + 1],
  ];
}

function receiptFaults(receipt: Uint8Array): Fault[] {
  return [
    ['no shard', change(receipt, { indices: new Uint8Array(0) }), 'bad-field'],
    ['a bitmap with a trailing zero byte', change(receipt, { indices: Uint8Array.of(18, 0) }), 'bad-field'],
    ['an index above 65,535', change(receipt, { indices: bitmapOf([65_536]) }), 'bad-field'],
    ['an expiry before the issue', change(receipt, { expiresAt: 1 }), 'inconsistent'],
    ['a segment that is a shard', change(receipt, { segment: shardCid(digest('shard')) }), 'bad-field'],
    ['more than 9 KiB', receipt, 'oversize', 9 * 1024 + 1],
  ];
}

function advertFaults(advert: Uint8Array): Fault[] {
  return [
    ['more free space than there is', change(advert, { free: 2 ** 41 }), 'inconsistent'],
    ['services twice', change(advert, { services: ['store', 'store'] }), 'inconsistent'],
    ['services out of order', change(advert, { services: ['store', 'audit'] }), 'inconsistent'],
    ['nine addresses', change(advert, { addresses: Array.from({ length: 9 }, () => Uint8Array.of(4)) }), 'bad-field'],
    ['a region with control characters', change(advert, { region: 'eu\u001b[2J' }), 'bad-field'],
    ['a region of 65 bytes', change(advert, { region: `${'é'.repeat(32)}x` }), 'bad-field'],
    ['more than 4 KiB', advert, 'oversize', 4097],
  ];
}

function refusalBytes(challenge: Uint8Array): Uint8Array {
  const id = challengeId(challenge);
  const unsigned = { challengeId: id, prover: HOLDER.publicKey, sentAt: CREATED, entries: bitmapOf([0]) };
  const asked = digest('asked');
  return encodeAuditRefusal(signAuditRefusal({ ...unsigned, asked, reason: 'not-held' }, HOLDER));
}

function refusalFaults(refusal: Uint8Array, release: Uint8Array): Fault[] {
  const nothing = { entries: undefined, asked: undefined };
  return [
    ['an unknown reason', change(refusal, { reason: 'tired' }), 'bad-field'],
    ['not-held without entries', change(refusal, { entries: undefined }), 'inconsistent'],
    ['entries of no list', change(refusal, { asked: undefined }), 'inconsistent'],
    ['not-held with a time', change(refusal, { until: CREATED }), 'inconsistent'],
    ['not-held with a release', change(refusal, { release }), 'inconsistent'],
    ['released without a release', change(refusal, { reason: 'released' }), 'inconsistent'],
    ['busy without a time', change(refusal, { reason: 'busy-until', ...nothing }), 'inconsistent'],
    ['more than 2 KiB', refusal, 'oversize', 2049],
  ];
}

function challengeFaults(challenge: Uint8Array): Fault[] {
  return [
    ['version 2', patch(challenge, 0, 2), 'malformed'],
    ['a beacon kind other than 0', patch(challenge, 1, 1), 'malformed'],
    ['a beacon round', patch(challenge, 141, 1), 'malformed'],
    ['a beacon', patch(challenge, 142, 1), 'malformed'],
    ['no shards', patch(challenge, 133, 0), 'malformed'],
    ['more than 16,384 shards', patch(challenge, 131, 1), 'malformed'],
    ['a time above 2^53 - 1', patch(challenge, 206, 0x80), 'malformed'],
    ['a deadline of 0', patch(patch(challenge, 216, 0), 217, 0), 'malformed'],
    ['217 bytes', challenge.subarray(0, 217), 'malformed'],
    ['219 bytes', challenge, 'malformed', 219],
  ];
}

function responseOf({ audit }: Built): Uint8Array {
  return 'response' in audit.answers.passed ? audit.answers.passed.response : new Uint8Array(0);
}

function responseFaults(response: Uint8Array): Fault[] {
  return [
    ['status 2', patch(response, 32, 2), 'malformed'],
    ['a time above 2^53 - 1', patch(response, 113, 0x80), 'malformed'],
    ['120 bytes', response.subarray(0, 120), 'malformed'],
    ['122 bytes', response, 'malformed', 122],
  ];
}

function messageFaults({ object, messages, audit, advert }: Built): DecodeVector[] {
  const message = (name: string) => messages[name] as Uint8Array;
  const ids = (count: number) => Buffer.concat(Array.from({ length: count }, (_, i) => digest(`id ${i}`)));
  const indices = (count: number) => bitmapOf(Array.from({ length: count }, (_, i) => i));
  const segment = nodeCid(object.segmentBytes);
  const stage = message('stageRequest');
  const { set } = decode<{ set: object[] }>(message('auditRequest'));
  const { answers } = audit;
  const answer = message('auditAnswer');
  const busy = message('replyBusy');
  return [
    ...shown('stageRequest', [
      ['257 shards', change(stage, { ids: ids(257) }), 'bad-field'],
      ['no shard', change(stage, { ids: new Uint8Array(0) }), 'bad-field'],
      ['a shard twice', change(stage, { ids: Buffer.concat([ids(1), ids(1)]) }), 'inconsistent'],
      ['half an id', change(stage, { ids: ids(1).subarray(16) }), 'bad-field'],
      ['an upload of 15 bytes', change(stage, { upload: Buffer.alloc(15) }), 'bad-field'],
      ['commit: false', change(stage, { commit: false }), 'inconsistent'],
    ]),
    ...shown('stageResult', [
      [
        'a commitment too few',
        change(message('stageResultDelegated'), { commitments: Buffer.alloc(48) }),
        'inconsistent',
      ],
      ['commitments without a signature', change(message('stageResultDelegated'), { sig: undefined }), 'inconsistent'],
      [
        'a signature without commitments',
        change(message('stageResultDelegated'), { commitments: undefined }),
        'inconsistent',
      ],
      ['half a signature', change(message('stageResultDelegated'), { sig: Buffer.alloc(32) }), 'bad-field'],
    ]),
    ...shown('finalizeRequest', [
      ['no segment', change(message('finalizeRequest'), { segments: [] }), 'bad-field'],
      ['lease: false', change(message('finalizeRequest'), { lease: false }), 'inconsistent'],
      ['more than 8 MiB', message('finalizeRequest'), 'oversize', 8 * NODE + 1],
    ]),
    ...shown('fetchRequest', [
      ['257 shards', change(message('fetchRequest'), { indices: indices(257) }), 'inconsistent'],
      ['no shard', change(message('fetchRequest'), { indices: new Uint8Array(0) }), 'bad-field'],
    ]),
    ...shown('haveRequest', [
      ['neither root nor segment', encode({ v: 1 }), 'inconsistent'],
      ['root and segment', change(message('haveRequestRoot'), { segment }), 'inconsistent'],
      ['the release of a segment', change(message('haveRequestSegment'), { release: true }), 'inconsistent'],
    ]),
    ...shown('haveResponse', [
      ['more after an empty page', encode({ v: 1, held: [], more: true }), 'inconsistent'],
      ['more than 64 KiB', message('haveResponse'), 'oversize', 64 * 1024 + 1],
      ['something held and its release', change(message('haveResponse'), { release: Buffer.alloc(8) }), 'inconsistent'],
      ['a release of 513 bytes', change(message('haveResponseReleased'), { release: Buffer.alloc(513) }), 'bad-field'],
    ]),
    ...shown('releaseRequest', [['an empty release', encode({ v: 1, release: new Uint8Array(0) }), 'bad-field']]),
    ...shown('evidenceResponse', [['more than 256 KiB', message('evidenceResponse'), 'oversize', 256 * 1024 + 1]]),
    ...shown('auditRequest', [
      ['an empty set', change(message('auditRequest'), { set: [] }), 'bad-field'],
      [
        '2,049 entries',
        change(message('auditRequest'), { set: Array.from({ length: 2049 }, () => new Uint8Array(3)) }),
        'bad-field',
      ],
      [
        'an entry without indices',
        change(message('auditRequest'), { set: [{ ...set[0], indices: new Uint8Array(0) }] }),
        'bad-field',
      ],
      ['more than 1 MiB', message('auditRequest'), 'oversize', NODE + 1],
    ]),
    ...shown('auditAnswer', [
      [
        'a response and a refusal',
        change(answer, 'refusal' in answers.busy ? { refusal: answers.busy.refusal } : {}),
        'inconsistent',
      ],
      ['neither', encode({ v: 1 }), 'inconsistent'],
      ['no signature', change(answer, { sig: undefined }), 'inconsistent'],
    ]),
    ...shown('shardFrame', [
      ['5 bytes', new Uint8Array(5), 'malformed'],
      ['a shard of 131,071 bytes', new Uint8Array(4), 'malformed', 4 + 131_071],
      ['index 65,536', Uint8Array.of(0, 1, 0, 0), 'malformed'],
    ]),
    ...shown('reply', [
      ['nothing', new Uint8Array(0), 'malformed'],
      ['status 7', Uint8Array.of(7), 'malformed'],
      ['busy without a time', Uint8Array.of(3), 'malformed'],
      ['busy until after 2^53 - 1', patch(busy, 1, 0x80), 'malformed'],
      ['a refusal without a reason', Uint8Array.of(1), 'malformed'],
      ['a message with control characters', fault('x\n'), 'bad-field'],
      ['a message of 513 bytes', fault('x'.repeat(513)), 'bad-field'],
    ]),
    ...shown('advert', [
      ['another structure', audit.release, 'unknown-field'],
      ['arrays 1,000 deep', Buffer.alloc(1000, 0x81), 'malformed'],
    ]),
    ...shown('release', [['another structure', advert, 'unknown-field']]),
  ];
}

/** A refusal whose message the encoder would not let pass. */
function fault(message: string): Uint8Array {
  const reply = encodeReply({ status: 'internal', code: 'internal', message: 'x' });
  return Buffer.concat([reply.subarray(0, 1), change(reply.subarray(1), { message })]);
}
