/** What became of the bytes of a shard, and whether the network knows. */
export const SHARD = {
  good: 0,
  /** Its holder lost, altered or dropped it, and nobody knows yet. */
  bad: 1,
  /** Known to be lost; nobody holds it. */
  missing: 2,
} as const;

/** How a node looks to the others. */
export const VIEW = {
  answers: 0,
  /** Not heard from, for less than the grace period. */
  suspected: 1,
  /** Not heard from for longer: what it holds counts as lost, until it returns. */
  gone: 2,
} as const;

export type View = (typeof VIEW)[keyof typeof VIEW];

const NOBODY = 0xffff;
const FIRST_HELD = 16;

export interface StripeTableOptions {
  readonly stripes: number;
  /** Shards of a stripe, at most 64, and those that rebuild it. */
  readonly width: number;
  readonly needed: number;
  /** Fewer than 65,535. */
  readonly nodes: number;
  /** The stripe has become worse off, as far as the network can see. */
  readonly onWorse: (stripe: number) => void;
  /** A holder of a stripe that waits for one (`attention`) answers again. */
  readonly onBetter: (stripe: number) => void;
  /** Fewer shards than rebuild it are left anywhere: it is lost for good. */
  readonly onLost: (stripe: number) => void;
}

/**
 * Where the shards of all stripes are and what is true and known of them. A slot is one shard: stripe·width + index.
 * Per slot 7 bytes and per shard held 4 more; per stripe the counts that decisions are made from, kept up to date.
 */
export class StripeTable {
  readonly width: number;
  readonly needed: number;
  readonly stripes: number;
  readonly holders: Uint16Array;
  readonly states: Uint8Array;
  /** Per stripe: shards whose bytes exist, on nodes that are online or will be. */
  readonly intact: Uint8Array;
  /** Per stripe: shards, not known to be lost, of holders that answer, and of those that are suspected. */
  readonly answering: Uint8Array;
  readonly suspected: Uint8Array;
  /** Per stripe: lost for good. */
  readonly lost: Uint8Array;
  /** Per stripe, set by others: it waits for somebody to answer again. */
  readonly attention: Uint8Array;
  readonly views: Uint8Array;
  /** Per node: whether it will never come back. */
  readonly departed: Uint8Array;
  /** Stripes that are not lost, of which too few shards answer at the moment. */
  unreadable = 0;
  lostCount = 0;
  /** Where a slot stands in the list of its holder. */
  readonly #positions: Int32Array;
  readonly #held: Int32Array[];
  readonly #heldCounts: Int32Array;
  readonly #options: StripeTableOptions;

  constructor(options: StripeTableOptions) {
    const { stripes, width, nodes } = options;
    const slots = stripes * width;
    this.#options = options;
    this.width = width;
    this.needed = options.needed;
    this.stripes = stripes;
    this.holders = new Uint16Array(slots).fill(NOBODY);
    this.states = new Uint8Array(slots).fill(SHARD.missing);
    this.#positions = new Int32Array(slots).fill(-1);
    this.intact = new Uint8Array(stripes);
    this.answering = new Uint8Array(stripes);
    this.suspected = new Uint8Array(stripes);
    this.lost = new Uint8Array(stripes);
    this.attention = new Uint8Array(stripes);
    this.views = new Uint8Array(nodes);
    this.departed = new Uint8Array(nodes);
    this.#held = Array.from({ length: nodes }, () => new Int32Array(FIRST_HELD));
    this.#heldCounts = new Int32Array(nodes);
    // Before anything is placed, no stripe can be read.
    this.unreadable = stripes;
  }

  /** Slots that a node holds; valid until the next change. */
  heldBy(node: number): Int32Array {
    return (this.#held[node] as Int32Array).subarray(0, this.#heldCounts[node]);
  }

  heldCount(node: number): number {
    return this.#heldCounts[node] as number;
  }

  stripeOf(slot: number): number {
    return Math.floor(slot / this.width);
  }

  /** Whether the network takes the shard for lost: it is known to be, or its holder is gone. */
  seemsLost(slot: number): boolean {
    return this.states[slot] === SHARD.missing || this.views[this.holders[slot] as number] === VIEW.gone;
  }

  /** Gives a slot a new holder, who answers. The copy of an old one no longer counts. */
  place(slot: number, node: number): void {
    const stripe = this.stripeOf(slot);
    // Before the old copy is counted out: in between nothing was lost.
    this.intact[stripe] = (this.intact[stripe] as number) + 1;
    if (this.states[slot] !== SHARD.missing) this.#take(slot, stripe);
    this.holders[slot] = node;
    this.states[slot] = SHARD.good;
    this.#attach(slot, node);
    this.#count(stripe, this.views[node] as View, 1);
  }

  /** The bytes of a good shard are lost, unknown to the network. */
  spoil(slot: number): void {
    const stripe = this.stripeOf(slot);
    this.states[slot] = SHARD.bad;
    this.#lessIntact(slot, stripe);
  }

  /** The network learns that a shard is lost, or gives up on what its holder has. */
  reveal(slot: number): void {
    const stripe = this.stripeOf(slot);
    this.#take(slot, stripe);
    this.#options.onWorse(stripe);
  }

  /** All that a node holds is given up, as `reveal` of each. */
  release(node: number): void {
    const slots = this.heldBy(node).slice();
    for (const slot of slots) this.#take(slot, this.stripeOf(slot));
    for (const slot of slots) this.#options.onWorse(this.stripeOf(slot));
  }

  /** The node is heard from or not: changes the counts of all stripes that it has a shard of. */
  setView(node: number, to: View): void {
    const from = this.views[node] as View;
    if (from === to) return;
    this.views[node] = to;
    const slots = this.heldBy(node);
    const { width, attention } = this;
    for (let i = 0; i < slots.length; i++) {
      const stripe = Math.floor((slots[i] as number) / width);
      this.#count(stripe, from, -1);
      this.#count(stripe, to, 1);
      if (to === VIEW.gone) this.#options.onWorse(stripe);
      else if (to === VIEW.answers && attention[stripe] === 1) this.#options.onBetter(stripe);
    }
  }

  /** The node will never come back, and its disk with it. */
  depart(node: number): void {
    for (const slot of this.heldBy(node)) {
      if (this.states[slot] === SHARD.good) this.#lessIntact(slot, this.stripeOf(slot));
    }
    // Only now: until here its shards were intact.
    this.departed[node] = 1;
  }

  /** Takes a shard from its holder. */
  #take(slot: number, stripe: number): void {
    const node = this.holders[slot] as number;
    const wasIntact = this.states[slot] === SHARD.good && this.departed[node] === 0;
    this.states[slot] = SHARD.missing;
    this.#count(stripe, this.views[node] as View, -1);
    this.#detach(slot, node);
    if (wasIntact) this.#lessIntact(slot, stripe);
  }

  #lessIntact(slot: number, stripe: number): void {
    // What was on a node that departed has been counted out with it.
    if (this.departed[this.holders[slot] as number] === 1) return;
    const left = (this.intact[stripe] as number) - 1;
    this.intact[stripe] = left;
    if (left >= this.needed || this.lost[stripe] === 1) return;
    this.lost[stripe] = 1;
    this.lostCount++;
    if ((this.answering[stripe] as number) < this.needed) this.unreadable--;
    this.#options.onLost(stripe);
  }

  #count(stripe: number, view: View, by: 1 | -1): void {
    if (view === VIEW.suspected) this.suspected[stripe] = (this.suspected[stripe] as number) + by;
    if (view !== VIEW.answers) return;
    const before = this.answering[stripe] as number;
    this.answering[stripe] = before + by;
    if (this.lost[stripe] === 1) return;
    if (by === -1 && before === this.needed) this.unreadable++;
    else if (by === 1 && before === this.needed - 1) this.unreadable--;
  }

  #attach(slot: number, node: number): void {
    const count = this.#heldCounts[node] as number;
    let held = this.#held[node] as Int32Array;
    if (count === held.length) {
      const grown = new Int32Array(2 * count);
      grown.set(held);
      this.#held[node] = held = grown;
    }
    held[count] = slot;
    this.#positions[slot] = count;
    this.#heldCounts[node] = count + 1;
  }

  #detach(slot: number, node: number): void {
    const held = this.#held[node] as Int32Array;
    const last = (this.#heldCounts[node] as number) - 1;
    const position = this.#positions[slot] as number;
    const moved = held[last] as number;
    held[position] = moved;
    this.#positions[moved] = position;
    this.#positions[slot] = -1;
    this.#heldCounts[node] = last;
  }
}
