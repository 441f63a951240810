/** Numbered namespaces of the metadata database: append only, a number is never used again. */
export const META_NAMESPACES = {
  /** name → u32 version. */
  schema: 0,
  /** CID → manifest node, root or segment. */
  node: 1,
  /** root → u64 kept since. */
  root: 2,
  /** root ‖ segment → empty. */
  rootSegment: 3,
  /** segment ‖ root → empty. */
  segmentRoot: 4,
  /** root ‖ segment → store receipt this node signed. */
  issuedReceipt: 5,
  /** segment ‖ root → empty. */
  issuedBySegment: 6,
  /** root ‖ segment ‖ holder 32 → store receipt for an object of ours. */
  receivedReceipt: 7,
  /** holder 32 ‖ root ‖ segment → empty. */
  receivedByHolder: 8,
  /** root → catalog entry, dag-cbor. */
  catalog: 9,
  /** upload ‖ entry name → what the upload keeps. */
  journal: 10,
  /** holder ‖ root → release that the holder has not confirmed. */
  queuedRelease: 11,
  /** root → release received from its owner. */
  receivedRelease: 12,
  /** challenge id → audit record, dag-cbor. */
  audit: 13,
  /** u64 time ‖ challenge id → empty. */
  auditByTime: 14,
  /** peer ‖ u64 time ‖ challenge id → empty. */
  auditByPeer: 15,
  /** peer → addresses and when they worked, dag-cbor. */
  peer: 16,
  /** peer ‖ u64 time ‖ challenge id → empty: audits that prove something against the peer. */
  evidenceByPeer: 17,
  /** u64 time ‖ holder 32 ‖ shard id → a wrong commitment that the holder signed, dag-cbor. */
  claimEvidence: 18,
  /** root → u64 bytes of its nodes kept here ‖ owner to whom they are charged. */
  rootCharge: 19,
  /** peer → its standing, dag-cbor. */
  reputation: 20,
  /** peer ‖ u64 n → the nth change of its standing, dag-cbor. */
  reputationLog: 21,
  /** accused ‖ segment → evidence of an integrity failure that was verified here, dag-cbor. */
  receivedEvidence: 22,
  /** u64 time of the challenge ‖ accused ‖ segment → empty. */
  evidenceByTime: 23,
  /** set id 16 → the set that a holder is being asked about, dag-cbor. */
  pendingAudit: 24,
  /** holder 32 → where the audit cycle of the holder stands, dag-cbor. */
  auditCycle: 25,
  /** set id 16 → a set to be asked about again, dag-cbor. */
  containment: 26,
  /** holder 32 → how suspect the holder is to this auditor, dag-cbor. */
  suspicion: 27,
  /** peer → ban by the operator, dag-cbor. */
  ban: 28,
  /** u64 sequence number → entry of the security log; 0 → its head. */
  securityLog: 29,
  /** holder 32 ‖ segment ‖ u32 index → why the holder has lost the shard, and since when, dag-cbor. */
  lostShard: 30,
  /** root → since when this node guards it, dag-cbor. */
  guardedRoot: 31,
  /** 0 ‖ u64 end ‖ root ‖ segment → empty; 1 ‖ root ‖ segment ‖ u64 end → bitmap: promises of this node that end, and of what. */
  leaseEnd: 32,
  /** empty → where the reading of all that is stored stands, dag-cbor. */
  scrub: 34,
  /** holder 32 → since when it was watched, and how often it lost what it held, dag-cbor. */
  holderFailures: 35,
} as const;

export type MetaNamespace = keyof typeof META_NAMESPACES;
