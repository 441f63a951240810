import type { LabReport, LabSample } from '../../node/lab/record/lab-report.ts';

/** A report as a lab of four nodes makes it: `samples` looks, one liar, a step and two checks. */
export function sampleReport(samples = 6, changes: Partial<LabReport> = {}): LabReport {
  return {
    version: 1,
    name: 'sample',
    seed: 7,
    seconds: 2 * samples,
    processes: false,
    nodes: [1, 2, 3, 4].map((number) => ({
      number,
      peer: `peer-${number}`,
      state: number === 4 ? 'killed' : 'running',
      shards: number === 4 ? null : 3 * number,
      dishonest: number === 2,
      score: number === 4 ? null : 0.9 / number,
      disqualifiedBy: number === 2 ? 3 : 0,
    })),
    files: 2,
    samples: Array.from({ length: samples }, (_, i) => sampleAt(i)),
    steps: [
      { at: 1, text: 'kill 4' },
      { at: 3, text: '2 lie (altered)' },
    ],
    checks: [
      { name: 'no-file-lost', ok: true, detail: '2 files came back byte for byte' },
      { name: 'liars-found', ok: false, detail: 'not found: 2' },
    ],
    ...changes,
  };
}

function sampleAt(i: number): LabSample {
  return {
    at: 2 * i,
    running: 4 - Math.min(1, i),
    stripes: { healthy: 8 - (i % 3), degraded: i % 3, lost: 0 },
    scores: [0.5 + 0.05 * i, 0.5 - 0.05 * i, 0.5, null],
    audits: { passed: 3 * i, ...(i > 1 ? { 'invalid-proof': i } : {}) },
    repairs: { done: i, failed: i > 3 ? 1 : 0, placed: 4 * i },
    traffic: { upload: 1e6, download: 2e5 * i, audit: 1e4 * i, repair: 3e4 * i, other: 5e3 * i },
  };
}
