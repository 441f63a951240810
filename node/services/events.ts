import type { EventsService, NodeEvent } from '../api/services.ts';
import type { Clock } from '../clock.ts';

/** Tells whoever listens what happens in the node. */
export class Events implements EventsService {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: NodeEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(type: string, data: NodeEvent['data']): void {
    const event = { type, at: this.#clock.now(), data };
    for (const listener of this.#listeners) listener(event);
  }
}
