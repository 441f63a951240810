import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actingGuardian } from '../../../node/simulation/guardians.ts';
import { CHECKED_FORMAT } from '../../../node/simulation/load-scenario.ts';
import { Population } from '../../../node/simulation/population.ts';
import { RandomStream } from '../../../node/simulation/random-stream.ts';
import { StripeTable, VIEW } from '../../../node/simulation/stripe-table.ts';

const NODES = 12;
const WIDTH = 6;

function network(adversaries: readonly object[], stripes = 600) {
  const scenario = CHECKED_FORMAT.read(
    { kind: 'simulation', time: '1d', network: { nodes: NODES }, files: { stripes, code: '4+2' }, adversaries },
    '',
  );
  const population = new Population(scenario, new RandomStream(1, 'test'));
  const nothing = () => {};
  const options = {
    stripes,
    width: WIDTH,
    needed: 4,
    nodes: NODES,
    onWorse: nothing,
    onBetter: nothing,
    onLost: nothing,
  };
  const table = new StripeTable(options);
  for (let slot = 0; slot < stripes * WIDTH; slot++)
    table.place(slot, (Math.floor(slot / WIDTH) + (slot % WIDTH)) % NODES);
  return { scenario, population, table, isActive: () => true };
}

test('each stripe has its own first guardian, and all holders are as often the first', () => {
  const parts = network([]);
  const firsts = new Map<number, number>();
  for (let stripe = 0; stripe < parts.table.stripes; stripe++) {
    const { node, turn } = actingGuardian(stripe, parts) ?? { node: -1, turn: -1 };
    assert.equal(turn, 0);
    assert.ok([...parts.table.heldBy(node)].some((slot) => parts.table.stripeOf(slot) === stripe));
    firsts.set(node, (firsts.get(node) ?? 0) + 1);
  }
  assert.equal(firsts.size, NODES);
  // 50 each are expected; five standard deviations are 34.
  for (const count of firsts.values()) assert.ok(count > 16 && count < 84, String(count));
});

test('who is away is passed over, and the rest keep their order', () => {
  const parts = network([]);
  const first = actingGuardian(0, parts);
  parts.table.setView(first?.node as number, VIEW.suspected);
  const second = actingGuardian(0, parts);
  assert.ok(second !== undefined && second.node !== first?.node);
  parts.table.setView(first?.node as number, VIEW.answers);
  assert.deepEqual(actingGuardian(0, parts), first);
});

test('an idle guardian costs a turn, and every holder has one: only where all are idle nobody acts', () => {
  const parts = network([{ share: 0.5, guardians: 'idle' }]);
  const acting = Array.from({ length: 600 }, (_, stripe) => actingGuardian(stripe, parts));
  for (const turn of [0, 1, 2, 3, 4])
    assert.ok(
      acting.some((one) => one?.turn === turn),
      String(turn),
    );
  assert.ok(acting.every((one) => one === undefined || one.isFirst === one.turn < 3));
  const few = network([{ share: 0.92, guardians: 'idle' }]);
  for (let stripe = 0; stripe < 12; stripe++) {
    const honest = Array.from({ length: WIDTH }, (_, i) => few.table.holders[stripe * WIDTH + i] as number).find(
      (node) => few.population.isHonest(node),
    );
    assert.equal(actingGuardian(stripe, few)?.node, honest);
  }
  // Before they begin they act.
  assert.equal(actingGuardian(0, { ...parts, isActive: () => false })?.turn, 0);
});
