import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDemoFolder, planDemo } from '../../../node/lab/demo-plan.ts';
import { LabError } from '../../../node/lab/lab-error.ts';

const FRAME = 126_960;
const SHARD = 131_072;

test('the plan counts shards as the protocol cuts a file', () => {
  const of = (fileBytes: number, nodes: number, code: 'auto' | { k: number; m: number } = 'auto') => {
    const plan = planDemo({ fileBytes, nodes, code, codeName: 'fr-lagrange' });
    return [plan.code.k, plan.code.m, plan.stripes, plan.shards];
  };
  // Nine holders: 6+3. One stripe of k′ = 1 has 1+3 shards; 13 frames are stripes of 6, 6 and 1 with 3 more each.
  assert.deepEqual(of(1, 10), [6, 3, 1, 4]);
  assert.deepEqual(of(FRAME, 10), [6, 3, 1, 4]);
  assert.deepEqual(of(12 * FRAME + 1, 10), [6, 3, 3, 22]);
  assert.deepEqual(of(12 * FRAME, 10), [6, 3, 2, 18]);
  assert.deepEqual(of(FRAME, 7), [4, 2, 1, 3]);
  assert.deepEqual(of(FRAME, 4), [2, 1, 1, 2]);
  assert.deepEqual(of(5 * FRAME, 10, { k: 5, m: 4 }), [5, 4, 1, 9]);
});

test('the capacity takes one shard of each stripe, the disk all shards and what each node needs', () => {
  const size = { fileBytes: 600 * FRAME, nodes: 10, code: 'auto', codeName: 'gf256' } as const;
  const plan = planDemo(size);
  assert.equal(plan.code.id, 2);
  assert.ok(plan.capacityBytes >= 100 * SHARD);
  assert.ok(plan.diskBytes >= 900 * SHARD);
  const crowded = planDemo({ ...size, nodes: 20, code: { k: 6, m: 3 } });
  assert.ok(crowded.diskBytes > plan.diskBytes);
});

test('fewer nodes than the code needs are refused with the number it takes', () => {
  const refused = (nodes: number, code: 'auto' | { k: number; m: number }, needed: number) =>
    assert.throws(
      () => planDemo({ fileBytes: 1, nodes, code, codeName: 'fr-lagrange' }),
      (error) => error instanceof LabError && error.type.code === 'too-few-nodes' && error.type.needed === needed,
    );
  refused(3, 'auto', 4);
  refused(1, 'auto', 4);
  refused(6, { k: 4, m: 2 }, 7);
  assert.throws(() => planDemo({ fileBytes: 1, nodes: 10, code: { k: 1, m: 2 }, codeName: 'gf256' }), {
    name: 'CodeError',
  });
});

test('a folder is made only where the disk has room, and only for the owner', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-plan-'));
  try {
    const [a, b] = [await makeDemoFolder(parent, 1), await makeDemoFolder(parent, 1)];
    assert.notEqual(a, b);
    await assert.rejects(makeDemoFolder(parent, 2 ** 60), (error) => {
      assert.ok(error instanceof LabError && error.type.code === 'too-little-space');
      assert.equal(error.type.needed, 2 ** 60);
      assert.match(error.message, /--folder/);
      return true;
    });
    assert.equal((await readdir(parent)).length, 2);
    await assert.rejects(makeDemoFolder(join(parent, 'missing'), 1), { code: 'ENOENT' });
  } finally {
    await rm(parent, { recursive: true });
  }
});
