interface Due<K> {
  readonly key: K;
  readonly at: number;
}

/** What is due when: a binary heap whose outdated entries are passed over. */
export class DueQueue<K> {
  readonly #at = new Map<K, number>();
  #heap: Due<K>[] = [];

  /** In place of the time it had. */
  set(key: K, at: number): void {
    this.#at.set(key, at);
    this.#push({ key, at });
    // Outdated entries must not outnumber the others.
    if (this.#heap.length > 2 * this.#at.size + 64) this.#rebuild();
  }

  /** At this time, or earlier when it is due earlier. Of what is not in the queue nothing becomes. */
  notLater(key: K, at: number): void {
    const known = this.#at.get(key);
    if (known !== undefined && at < known) this.set(key, at);
  }

  delete(key: K): void {
    this.#at.delete(key);
  }

  /** The first, which stays; undefined when there is none. */
  peek(): Due<K> | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#at.get(first.key) === first.at) return first;
      this.#pop();
    }
    return undefined;
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [key, at] of this.#at) this.#push({ key, at });
  }

  #push(due: Due<K>): void {
    const heap = this.#heap;
    let i = heap.push(due) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((heap[parent] as Due<K>).at <= due.at) break;
      heap[i] = heap[parent] as Due<K>;
      i = parent;
    }
    heap[i] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Due<K>).at < (heap[child] as Due<K>).at) child++;
      if ((heap[child] as Due<K>).at >= last.at) break;
      heap[i] = heap[child] as Due<K>;
      i = child;
    }
    heap[i] = last;
  }
}
