import { SHARD_BYTES } from '../../protocol/constants.ts';
import { parseCodeNumbers } from '../config/option-types.ts';
import { STRATEGY_NAMES } from '../placement/strategies.ts';
import * as field from '../scenario/field.ts';
import { MAX_SEED } from '../scenario/seed.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const PIB = 1024 ** 5;

export const MAX_NODES = 10_000;
export const MAX_STRIPES = 1_000_000;

const share = field.decimal({ min: 0, max: 1 });
const anyTime = field.span({ min: 0, max: 100 * YEAR });
const lasting = field.section({
  mean: field.span({ min: SECOND, max: 1000 * YEAR }),
  /** Below 0.2 hardly anything is near the mean; above 10 everything. */
  shape: field.optional(field.decimal({ min: 0.2, max: 10 }), 1),
});
const name = { pattern: /^[a-z0-9-]{1,32}$/, expected: 'lower-case letters, digits and dashes, at most 32', max: 64 };
const regionName = field.words(name);
/** Bytes per second. */
const rate = field.either<number, number>(
  { read: (value, key) => (value === 'unlimited' ? Number.POSITIVE_INFINITY : field.refuse(key, 'unlimited', value)) },
  field.bytes({ min: 1024, max: TIB }),
  'unlimited or a size per second such as 2MiB',
);
const codeNumbers: field.Field<{ readonly k: number; readonly m: number }> = {
  read: (value, key) => {
    const code = typeof value === 'string' ? parseCodeNumbers(value) : undefined;
    return code ?? field.refuse(key, 'k+m with k + m at most 64, e.g. 8+4', value);
  },
};

/** Some nodes: one region, a share of all drawn by chance, or those with the numbers of a list. */
const target = {
  region: field.optional(regionName, undefined),
  share: field.optional(share, undefined),
  nodes: field.optional(field.list(field.whole({ min: 0, max: MAX_NODES - 1 }), { min: 1, max: MAX_NODES }), undefined),
};

const NO_ADVERSARIES = 8;
const MAX_FAULTS = 1000;

/** What a simulation is described by; every key, with what it stands for when it is absent. Times in milliseconds. */
export const SIMULATION_FORMAT = field.section({
  kind: field.choice(['simulation']),
  about: field.optional(field.words(), ''),
  seed: field.optional(field.whole({ min: 0, max: MAX_SEED }), 1),
  time: field.span({ min: MINUTE, max: 100 * YEAR }),
  network: field.section({
    nodes: field.whole({ min: 2, max: MAX_NODES }),
    /** How long those there at the start have been audited before it. */
    age: field.optional(field.span({ min: 0, max: YEAR }), 30 * DAY),
    capacity: field.optional(field.bytes({ min: SHARD_BYTES, max: PIB }), TIB),
    upload: field.optional(rate, Number.POSITIVE_INFINITY),
    download: field.optional(rate, Number.POSITIVE_INFINITY),
    /** Names with weights. */
    regions: field.optional(
      field.named(field.decimal({ min: 0.001, max: 1000 }), name),
      new Map<string, number>() as ReadonlyMap<string, number>,
    ),
  }),
  files: field.section({
    stripes: field.whole({ min: 1, max: MAX_STRIPES }),
    code: codeNumbers,
    /** Larger than a shard: one simulated stripe stands for all of a segment, which share their holders. */
    shardSize: field.optional(field.bytes({ min: 1, max: 1024 * MIB }), SHARD_BYTES),
  }),
  placement: field.optional(
    field.section({
      strategy: field.optional(field.choice(STRATEGY_NAMES), 'hybrid'),
      known: field.optional(field.whole({ min: 2, max: 1000 }), 64),
      newcomerShare: field.optional(share, 0.1),
    }),
    { strategy: 'hybrid', known: 64, newcomerShare: 0.1 },
  ),
  churn: field.optional(
    field.section({
      sessions: field.optional(field.section({ online: lasting, offline: lasting }), undefined),
      lifetime: field.optional(lasting, undefined),
      /** Whether a fresh node joins for each that departs. */
      replace: field.optional(field.yesOrNo(), true),
      /** A file beside the scenario: time,node,event. */
      trace: field.optional(
        field.words({ pattern: /^\w[\w.-]*(\/\w[\w.-]*)*$/, expected: 'the name of a file beside the scenario' }),
        undefined,
      ),
    }),
    { sessions: undefined, lifetime: undefined, replace: true, trace: undefined },
  ),
  audits: field.optional(
    field.section({
      cycle: field.optional(field.span({ min: MINUTE, max: YEAR }), DAY),
      /** From the first unanswered question to the last. */
      retryWindow: field.optional(field.span({ min: 0, max: DAY }), 15 * MINUTE),
    }),
    { cycle: DAY, retryWindow: 15 * MINUTE },
  ),
  repair: field.optional(
    field.section({
      threshold: field.optional(
        field.either(
          field.choice(['auto', 'never']),
          field.whole({ min: 0, max: 63 }),
          'auto, never or the shards that may be missing',
        ),
        'auto',
      ),
      grace: field.optional(anyTime, HOUR),
      /** Bytes per second of one repairer, for all its repairs. */
      traffic: field.optional(rate, Number.POSITIVE_INFINITY),
      guardians: field.optional(field.whole({ min: 1, max: 64 }), 3),
      takeover: field.optional(field.span({ min: 0, max: DAY }), 10 * MINUTE),
      /** In place of guardians: repair that takes an exponential time of this mean, whoever does it. */
      exponential: field.optional(field.span({ min: SECOND, max: YEAR }), undefined),
    }),
    {
      threshold: 'auto',
      grace: HOUR,
      traffic: Number.POSITIVE_INFINITY,
      guardians: 3,
      takeover: 10 * MINUTE,
      exponential: undefined,
    },
  ),
  corruption: field.optional(field.section({ perShardYear: field.decimal({ min: 0, max: 100 }) }), { perShardYear: 0 }),
  adversaries: field.optional(
    field.list(
      field.section({
        share: field.decimal({ min: 0, max: 0.95 }),
        /** Until then they behave. */
        from: field.optional(anyTime, 0),
        /** Of what they hold, and of what they get later. */
        drop: field.optional(share, 1),
        audits: field.optional(field.choice(['lie', 'declare', 'silent']), 'lie'),
        guardians: field.optional(field.choice(['idle', 'favour', 'honest']), 'idle'),
        /** That they are spread over; each has one of its own by default. */
        subnets: field.optional(field.whole({ min: 1, max: MAX_NODES }), undefined),
        /** Free space that they declare. */
        capacity: field.optional(field.bytes({ min: SHARD_BYTES, max: PIB }), undefined),
        /** After its disqualification each comes back under a new identity. */
        returns: field.optional(field.span({ min: MINUTE, max: YEAR }), undefined),
      }),
      { max: NO_ADVERSARIES },
    ),
    [],
  ),
  faults: field.optional(
    field.list(
      field.variant(
        {
          outage: field.section({ ...target, for: field.span({ min: SECOND, max: YEAR }) }),
          departure: field.section(target),
          corruption: field.section({ ...target, shards: share }),
        },
        { at: anyTime },
      ),
      { max: MAX_FAULTS },
    ),
    [],
  ),
  confidence: field.optional(field.decimal({ min: 0.5, max: 0.9999 }), 0.95),
  /** Points of the time series. */
  samples: field.optional(field.whole({ min: 2, max: 1000 }), 200),
});

export type SimulationScenario = field.Read<typeof SIMULATION_FORMAT>;
export type Target = { readonly [K in keyof typeof target]: field.Read<(typeof target)[K]> };
