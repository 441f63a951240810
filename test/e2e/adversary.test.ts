import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { AdversaryLab } from '../helpers/adversary-lab.ts';
import { absentHolders } from './adversary/absent-holders.ts';
import { lyingHolders } from './adversary/lying-holders.ts';
import { lyingOwners } from './adversary/lying-owners.ts';

const { signal } = new AbortController();

/**
 * What reliability §4 promises of every adversary: how an audit of it ends, which scores move at which nodes, and that
 * nobody else is blamed. Each node turns once, and is honest again afterwards.
 */
suite('a network of 12 nodes with an adversary', async () => {
  const lab = new AdversaryLab(await mkdtemp(join(tmpdir(), 'holdfast-adversary-')), signal);
  before(() => lab.start());
  after(() => lab.stop());

  lyingHolders(lab);
  absentHolders(lab);
  lyingOwners(lab);
  test('nothing moved afterwards', () => lab.assertMoved(0, () => []));
});
