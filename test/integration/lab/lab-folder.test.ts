import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { claimFolder, type FolderOptions, sweepLab } from '../../../node/lab/lab-folder.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const SELF = 100;
const OTHER = 200;

/** Lets time pass whenever it is waited for, until the work is over. */
async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) {
    if (clock.sleeping > 0) await clock.advance(200);
    else await nextTurn();
  }
  return work;
}

suite('the folder of a lab', () => {
  let parent: string;
  let path: string;
  let count = 0;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'holdfast-lab-folder-'));
  });
  beforeEach(() => {
    path = join(parent, `lab-${count++}`);
  });
  after(() => rm(parent, { recursive: true, force: true }));

  const claim = (more: Partial<FolderOptions> = {}) =>
    claimFolder({
      path,
      nodes: 1,
      keep: false,
      pid: SELF,
      clock: new ManualClock(),
      isAlive: () => false,
      answers: async () => false,
      ...more,
    });

  /** As a lab of another process leaves it when it crashes: with a control address, and two homes. */
  async function crashed(more: Partial<FolderOptions> = {}) {
    await claim({ pid: OTHER, ...more });
    for (const number of [1, 2]) {
      await mkdir(join(path, `node-${number}`));
      await writeFile(join(path, `node-${number}`, 'api.json'), JSON.stringify({ pid: 300 + number }));
    }
    await writeFile(join(path, 'api.json'), JSON.stringify({ host: '127.0.0.1', port: 1, pid: OTHER }));
    await writeFile(join(path, 'api-token'), 'token\n');
  }

  test('is made for its owner only, and is gone after the lab', async () => {
    const folder = await claim();
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, 'lab.json'))).mode & 0o777, 0o600);
    await mkdir(join(path, 'node-1', 'shards'), { recursive: true });
    await writeFile(join(path, 'api.json'), '{}');
    await folder.release();
    assert.ok(!(await readdir(parent)).includes(`lab-${count - 1}`));
  });

  test('what others put there stays, and the folder with it', async () => {
    const folder = await claim();
    await writeFile(join(path, 'notes.txt'), 'mine');
    await mkdir(join(path, 'node-1'));
    await folder.release();
    assert.deepEqual(await readdir(path), ['notes.txt']);
  });

  test('a folder with something else in it is left alone', async () => {
    await mkdir(path);
    await writeFile(join(path, 'thesis.tex'), 'x');
    await assert.rejects(claim(), { code: 'foreign-folder', message: /holds something else than a lab/ });
    await writeFile(join(path, 'lab.json'), '{"version":');
    await assert.rejects(claim(), { code: 'foreign-folder' });
    assert.deepEqual((await readdir(path)).sort(), ['lab.json', 'thesis.tex']);
  });

  test('a lab that runs is not touched: whether it answers, or is still starting', async () => {
    await crashed();
    const isAlive = (pid: number) => pid === OTHER;
    await assert.rejects(claim({ isAlive, answers: async () => true }), {
      code: 'lab-running',
      message: /process 200/,
    });
    await rm(join(path, 'api.json'));
    await assert.rejects(claim({ isAlive, answers: () => assert.fail('nobody to ask') }), { code: 'lab-running' });
    assert.ok((await readdir(path)).includes('node-1'));
  });

  test('what a crashed lab left is removed, and told', async () => {
    await crashed();
    const folder = await claim();
    assert.deepEqual(folder.removed?.pid, OTHER);
    assert.deepEqual(await readdir(path), ['lab.json']);
    assert.equal(JSON.parse(await readFile(join(path, 'lab.json'), 'utf8')).pid, SELF);
    await folder.release();
  });

  test('a process that has got the number of the crashed one does not count', async () => {
    await crashed();
    const isAlive = (pid: number) => pid === OTHER;
    assert.equal((await claim({ isAlive })).removed?.pid, OTHER);
  });

  test('nodes that outlive their lab are waited for, not for ever', async () => {
    await crashed();
    const clock = new ManualClock();
    let left = 3;
    await passing(clock, claim({ clock, isAlive: (pid) => pid === 302 && left-- > 0 }));
    assert.equal(left, -1);

    path = join(parent, 'hanging');
    await crashed();
    const refused = claim({ clock, isAlive: (pid) => pid === 301 });
    await assert.rejects(passing(clock, refused), { code: 'lab-running', message: /301/ });
    assert.ok((await readdir(path)).includes('node-1'));
  });

  test('data that were to be kept are kept, whether the lab ended or crashed', async () => {
    await crashed({ keep: true });
    await assert.rejects(claim(), { code: 'lab-kept', message: /were to be kept/ });
    path = join(parent, 'ended');
    const folder = await claim({ keep: true });
    await mkdir(join(path, 'node-1'));
    await folder.release();
    assert.deepEqual((await readdir(path)).sort(), ['lab.json', 'node-1']);
    await assert.rejects(claim({ isAlive: () => true }), { code: 'lab-kept' });
  });

  test('a disk without room is told before anything is made', async () => {
    await assert.rejects(claim({ nodes: 1e9 }), { code: 'too-little-space', message: /fewer nodes/ });
    await assert.rejects(claim({ nodes: 1, fileBytes: 1e18 }), { code: 'too-little-space', message: /less to store/ });
    assert.deepEqual(await readdir(path), []);
  });

  test('a process that ends at once can still clean up', async () => {
    await claim();
    await mkdir(join(path, 'node-1', 'meta'), { recursive: true });
    sweepLab(path);
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });
});
