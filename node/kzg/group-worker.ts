import { workerData } from 'node:worker_threads';
import { Group } from './group.ts';
import type { GroupJobs } from './job-protocol.ts';
import { serveJobs } from './serve-jobs.ts';

/** The one worker for group operations, so that all decoded points are in one cache. */
const { cachedPoints } = workerData as { readonly cachedPoints: number };

const group = Group.create(cachedPoints);

serveJobs<GroupJobs>({
  async combine({ coefficients, commitments }) {
    return { output: (await group).combine(coefficients, commitments) };
  },
  async opens({ commitment, z, y, proof }) {
    return { output: (await group).opens(commitment, z, y, proof) };
  },
  async invalid({ commitments }) {
    return { output: (await group).invalid(commitments) };
  },
});
