import type { BenchSuite } from '../harness.ts';
import { auditSuite } from './audit-suite.ts';
import { codeSuite } from './code-suite.ts';
import { hashSuite } from './hash-suite.ts';
import { kzgSuite } from './kzg-suite.ts';
import { repairSuite } from './repair-suite.ts';
import { startupSuite } from './startup-suite.ts';
import { storeSuite } from './store-suite.ts';
import { transferSuite } from './transfer-suite.ts';

/** In the order of the report: what a shard costs, then what a file costs. */
export const ALL_SUITES: readonly BenchSuite[] = [
  kzgSuite,
  codeSuite,
  hashSuite,
  storeSuite,
  auditSuite,
  startupSuite,
  transferSuite,
  repairSuite,
];
