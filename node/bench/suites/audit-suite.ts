import { AuditBench, type AuditFigures } from '../audit/audit-bench.ts';
import type { BenchCase, BenchSuite } from '../harness.ts';
import type { SkippedCase } from '../results.ts';
import { startKzgLoop } from './c-kzg-baseline.ts';

const SIZES = [1, 10, 100, 1_000, 8_192] as const;
const OPENINGS = 4;
/** Audits of one shard are short; those of a gigabyte take seconds. */
const REPEAT = { 1: 10, 10: 10, 100: 5, 1000: 2, 8192: 1 } as const;

/**
 * Ratios to one opening a shard, which is what an audit without combination takes. On the reference machine an opening of
 * c-kzg takes 64 ms: 1,000 shards proved in 0.6 s and verified in 0.15 s, 8,192 proved at 250 MB/s beyond one opening.
 */
const OPENING_MS = 64;
const GIB = 2 ** 30;
const TARGETS: Readonly<Record<string, number>> = {
  'audit.prove.1000': (1_000 * OPENING_MS) / 600,
  'audit.verify.1000': (1_000 * OPENING_MS) / 150,
  'audit.prove.8192': (8_192 * OPENING_MS) / (OPENING_MS + (GIB / 250e6) * 1000),
};
const MEMORY_GOAL_MIB = 64;
const RESPONSE_GOAL_BYTES = 200;
const MIB = 1024 * 1024;

const caseNames = SIZES.flatMap((size) => [`audit.prove.${size}`, `audit.verify.${size}`]);
const LARGEST = Math.max(...SIZES);

/** A holder proves what it has to an auditor: one opening for all shards of a challenge, read from LevelDB on disk. */
export const auditSuite: BenchSuite = {
  group: 'audit',
  names: [...caseNames, 'audit.response', 'audit.memory'],
  async start(stack, context, wanted) {
    const sizes = SIZES.filter((size) => [`audit.prove.${size}`, `audit.verify.${size}`].some(wanted));
    const most = wanted('audit.memory') || wanted('audit.response') ? LARGEST : Math.max(...sizes);
    const loop = await startKzgLoop(stack, 1);
    const bench = await AuditBench.start(stack, context, most);
    const figures = new Map<number, AuditFigures>();
    const audit = async (size: number): Promise<AuditFigures> => {
      const measured = await bench.audit(size);
      figures.set(size, measured);
      return measured;
    };
    const timedCases = sizes.flatMap((size): (BenchCase | SkippedCase)[] =>
      (['prove', 'verify'] as const).map((side) => {
        const name = `audit.${side}.${size}`;
        if (typeof loop === 'string') return { name, skipped: loop };
        return {
          name,
          unit: 'ms',
          boundedBy: `c-kzg, one opening for each shard, on one core`,
          target: TARGETS[name] ?? null,
          repeat: REPEAT[size],
          bound: async () => size * (await loop.milliseconds('open', OPENINGS)),
          product: async () => (await audit(size))[side],
        };
      }),
    );
    return [
      ...timedCases,
      {
        name: 'audit.response',
        unit: 'bytes',
        boundedBy: 'the goal; response and signature, whatever the number of shards',
        target: 1,
        maxRounds: 1,
        bound: async () => RESPONSE_GOAL_BYTES,
        product: async () => (figures.get(most) ?? (await audit(most))).responseBytes,
      },
      {
        name: 'audit.memory',
        unit: 'MiB',
        boundedBy: `the goal; anonymous memory of a prover of ${most} shards above what it has after one of 64`,
        target: 1,
        bound: async () => MEMORY_GOAL_MIB,
        product: async () => {
          const { memoryBytes } = await audit(most);
          if (memoryBytes === undefined) throw new Error('this system does not tell the memory of a process');
          return memoryBytes / MIB;
        },
      },
    ];
  },
};
