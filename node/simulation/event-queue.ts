const FIRST_CAPACITY = 1024;

/**
 * What is to happen, in order of time; what was put in first comes first among equals, so that a run can be repeated.
 * A binary heap over typed arrays: an event takes 28 bytes and no object.
 *
 * Events are not taken out again. Each carries a token, by which whoever handles it can tell that it has been overtaken.
 */
export class EventQueue {
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #subjects = new Int32Array(FIRST_CAPACITY);
  #tokens = new Int32Array(FIRST_CAPACITY);
  #size = 0;
  #pushed = 0;
  readonly #max: number;

  /** The event that `next` took out. */
  time = 0;
  kind = 0;
  subject = 0;
  token = 0;

  /** @param max events at a time */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** @throws RangeError for a time that is not finite, or one event too many */
  push(time: number, kind: number, subject: number, token = 0): void {
    if (!Number.isFinite(time)) throw new RangeError(`an event at ${time}`);
    if (this.#size === this.#max) throw new RangeError(`more than ${this.#max} events at a time`);
    if (this.#size === this.#times.length) this.#grow();
    const order = this.#pushed++;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#before(time, order, parent)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#put(hole, time, order, kind, subject, token);
  }

  /** Takes out the earliest event; false when there is none before `end`. */
  next(end: number): boolean {
    if (this.#size === 0 || (this.#times[0] as number) > end) return false;
    this.time = this.#times[0] as number;
    this.kind = this.#kinds[0] as number;
    this.subject = this.#subjects[0] as number;
    this.token = this.#tokens[0] as number;
    const last = --this.#size;
    if (last > 0) this.#sinkFromTop(last);
    return true;
  }

  /** Fills the hole at the top with the event at `last`, which has left its place. */
  #sinkFromTop(last: number): void {
    const time = this.#times[last] as number;
    const order = this.#orders[last] as number;
    let hole = 0;
    for (let child = 1; child < last; child = 2 * hole + 1) {
      const right = child + 1;
      if (right < last && this.#before(this.#times[right] as number, this.#orders[right] as number, child))
        child = right;
      if (this.#before(time, order, child)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#move(last, hole);
  }

  #before(time: number, order: number, at: number): boolean {
    const other = this.#times[at] as number;
    return time < other || (time === other && order < (this.#orders[at] as number));
  }

  #move(from: number, to: number): void {
    this.#put(
      to,
      this.#times[from] as number,
      this.#orders[from] as number,
      this.#kinds[from] as number,
      this.#subjects[from] as number,
      this.#tokens[from] as number,
    );
  }

  #put(at: number, time: number, order: number, kind: number, subject: number, token: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#kinds[at] = kind;
    this.#subjects[at] = subject;
    this.#tokens[at] = token;
  }

  #grow(): void {
    const capacity = Math.min(this.#max, 2 * this.#times.length);
    const grown = <T extends { set(from: ArrayLike<number>): void }>(next: T, from: ArrayLike<number>): T => {
      next.set(from);
      return next;
    };
    this.#times = grown(new Float64Array(capacity), this.#times);
    this.#orders = grown(new Float64Array(capacity), this.#orders);
    this.#kinds = grown(new Uint8Array(capacity), this.#kinds);
    this.#subjects = grown(new Int32Array(capacity), this.#subjects);
    this.#tokens = grown(new Int32Array(capacity), this.#tokens);
  }
}
