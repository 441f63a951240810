/** What each case of `holdfast bench` measures, in the groups and the order of the page. */
export const CASE_GROUPS: readonly { readonly title: string; readonly cases: Readonly<Record<string, string>> }[] = [
  {
    title: 'Commitments and proofs',
    cases: {
      commit: 'commit shards on all cores with the fastest kernel of this machine',
      'commit.wasm': 'commit one shard with the WebAssembly kernel, one core',
      open: 'open one shard at a random point',
      verify: 'verify one opening',
      combine: 'add one shard to the linear combination that answers an audit',
      'combine.wasm': 'the same with the WebAssembly kernel',
      'batch-check': 'check one of 100 shards against its commitment, as a holder does before it signs',
    },
  },
  {
    title: 'Erasure coding',
    cases: {
      encode: 'compute the parity shards of a stripe of 16+8',
      'encode+parity': 'the same and the commitments of the parity shards',
      'encode+parity.byte-code': 'the same beside what a byte code would cost',
      reconstruct: 'rebuild 8 lost data shards of a stripe',
    },
  },
  {
    title: 'Hashes and disk',
    cases: {
      hash: 'compute the id of a shard',
      'store.put': 'store shards durably, with checks, references and space accounts',
      'store.get': 'read shards back, each checked',
    },
  },
  {
    title: 'Audits',
    cases: {
      'audit.prove.1': 'prove 1 shard, read from disk, checked and signed',
      'audit.verify.1': 'verify that proof, its points known: from the challenge to the verdict, without the wait',
      'audit.prove.10': 'prove 10 shards, read from disk, checked and signed',
      'audit.verify.10': 'verify that proof, its points known: from the challenge to the verdict, without the wait',
      'audit.prove.100': 'prove 100 shards, read from disk, checked and signed',
      'audit.verify.100': 'verify that proof, its points known: from the challenge to the verdict, without the wait',
      'audit.prove.1000': 'prove 1,000 shards, read from disk, checked and signed',
      'audit.verify.1000': 'verify that proof, its points known: from the challenge to the verdict, without the wait',
      'audit.prove.8192': 'prove 8,192 shards, 1 GiB, read from disk, checked and signed',
      'audit.verify.8192': 'verify that proof, its points known: from the challenge to the verdict, without the wait',
      'audit.response': 'response and signature of one proof',
      'audit.memory': 'anonymous memory of the prover of 8,192 shards, above what it has after a proof of 64',
    },
  },
  {
    title: 'The daemon',
    cases: {
      startup: 'from the start of the process until `/readyz` says yes',
      'add.small': '`holdfast add` of 10 KiB at a running daemon, the whole command',
    },
  },
  {
    title: 'Files',
    cases: {
      add: 'add a file: every shard stored at its holder, checked and signed for',
      'add.all-shards': 'the same beside committing all shards of each stripe',
      'add.delegated': 'processor time of the process that adds when the holders commit and it checks them',
      get: 'get that file at a node that did not add it',
      repair: 'from when a lost holder counts as gone until every shard it had has a new holder',
    },
  },
];
