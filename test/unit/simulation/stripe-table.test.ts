import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SHARD, StripeTable, VIEW, type View } from '../../../node/simulation/stripe-table.ts';

const STRIPES = 6;
const WIDTH = 4;
const NEEDED = 2;
const NODES = 8;

interface Told {
  readonly worse: number[];
  readonly better: number[];
  readonly lost: number[];
}

function tableWith(): { table: StripeTable; told: Told } {
  const told: Told = { worse: [], better: [], lost: [] };
  const table = new StripeTable({
    stripes: STRIPES,
    width: WIDTH,
    needed: NEEDED,
    nodes: NODES,
    onWorse: (stripe) => told.worse.push(stripe),
    onBetter: (stripe) => told.better.push(stripe),
    onLost: (stripe) => told.lost.push(stripe),
  });
  for (let stripe = 0; stripe < STRIPES; stripe++) {
    for (let i = 0; i < WIDTH; i++) table.place(stripe * WIDTH + i, (stripe + i) % NODES);
  }
  return { table, told };
}

const step = fc.oneof(
  fc.record({ do: fc.constant('view' as const), node: fc.nat(NODES - 1), view: fc.constantFrom<View>(0, 1, 2) }),
  fc.record({ do: fc.constant('depart' as const), node: fc.nat(NODES - 1) }),
  fc.record({ do: fc.constant('release' as const), node: fc.nat(NODES - 1) }),
  fc.record({ do: fc.constant('spoil' as const), slot: fc.nat(STRIPES * WIDTH - 1) }),
  fc.record({ do: fc.constant('reveal' as const), slot: fc.nat(STRIPES * WIDTH - 1) }),
  fc.record({ do: fc.constant('place' as const), slot: fc.nat(STRIPES * WIDTH - 1), node: fc.nat(NODES - 1) }),
);

/** All counts once more, from the states of slots and nodes alone. */
function checkCounts(table: StripeTable, everLost: ReadonlySet<number>): void {
  let unreadable = 0;
  for (let stripe = 0; stripe < STRIPES; stripe++) {
    const slots = Array.from({ length: WIDTH }, (_, i) => stripe * WIDTH + i);
    const held = slots.filter((slot) => table.states[slot] !== SHARD.missing);
    const view = (slot: number) => table.views[table.holders[slot] as number];
    const answering = held.filter((slot) => view(slot) === VIEW.answers).length;
    const suspected = held.filter((slot) => view(slot) === VIEW.suspected).length;
    const intact = held.filter(
      (slot) => table.states[slot] === SHARD.good && table.departed[table.holders[slot] as number] === 0,
    ).length;
    assert.deepEqual(
      [table.answering[stripe], table.suspected[stripe], table.intact[stripe], table.lost[stripe]],
      [answering, suspected, intact, Number(everLost.has(stripe))],
    );
    if (!everLost.has(stripe) && answering < NEEDED) unreadable++;
  }
  assert.equal(table.unreadable, unreadable);
  assert.equal(table.lostCount, everLost.size);
  for (let node = 0; node < NODES; node++) {
    const expected = Array.from(table.holders.entries())
      .filter(([slot, holder]) => holder === node && table.states[slot] !== SHARD.missing)
      .map(([slot]) => slot);
    assert.deepEqual(
      [...table.heldBy(node)].sort((a, b) => a - b),
      expected,
    );
  }
}

test('after any course of events every count is what the slots say', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { table, told } = tableWith();
      for (const one of steps) {
        if (one.do === 'view') table.setView(one.node, one.view);
        if (one.do === 'depart') table.depart(one.node);
        if (one.do === 'release') table.release(one.node);
        if (one.do === 'spoil' && table.states[one.slot] === SHARD.good) table.spoil(one.slot);
        if (one.do === 'reveal' && table.states[one.slot] !== SHARD.missing) table.reveal(one.slot);
        // Whoever gets a shard is there and not a holder of the stripe.
        if (one.do === 'place') {
          const stripe = table.stripeOf(one.slot);
          const holds = [...table.heldBy(one.node)].some((slot) => table.stripeOf(slot) === stripe);
          const answers = table.views[one.node] === VIEW.answers && table.departed[one.node] === 0;
          if (!holds && answers && table.seemsLost(one.slot)) table.place(one.slot, one.node);
        }
        checkCounts(table, new Set(told.lost));
      }
      assert.equal(new Set(told.lost).size, told.lost.length, 'lost once');
    }),
    { numRuns: 60 },
  );
});

test('tells what is worse off, and what was waited for', () => {
  const { table, told } = tableWith();
  table.setView(0, VIEW.suspected);
  assert.deepEqual(told.worse, [], 'who may come back is not missed yet');
  table.setView(0, VIEW.gone);
  assert.deepEqual([...told.worse].sort(), [0, 5]);
  table.attention[5] = 1;
  table.setView(0, VIEW.answers);
  assert.deepEqual(told.better, [5]);
  table.spoil(0);
  assert.deepEqual(told.worse.length, 2, 'nobody knows');
  table.reveal(0);
  assert.equal(told.worse.at(-1), 0);
});

test('a repair replaces what a gone holder has, and a stripe at its last shards is not lost by it', () => {
  const { table, told } = tableWith();
  for (const node of [2, 3]) table.depart(node);
  for (const node of [2, 3]) table.release(node);
  table.setView(1, VIEW.gone);
  assert.equal(table.intact[0], 2);
  table.place(1, 7);
  assert.deepEqual([table.intact[0], table.lost[0], told.lost.length], [2, 0, 0]);
  assert.equal(table.holders[1], 7);
});
