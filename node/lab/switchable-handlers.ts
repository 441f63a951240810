import type { Handler } from '../handlers/handler.ts';
import type { HandledMethod } from '../handlers/table.ts';

export type Handlers = Record<HandledMethod, Handler>;

/** Serves honestly until it is told to do otherwise. */
export class SwitchableHandlers {
  readonly #honest: Handlers;
  #current: Handlers;

  constructor(honest: Handlers) {
    this.#honest = honest;
    this.#current = honest;
  }

  /** From now on the methods that `wrap` names are served by its handlers, all others honestly. */
  replace(wrap: (honest: Handlers) => Partial<Handlers>): void {
    this.#current = { ...this.#honest, ...wrap(this.#honest) };
  }

  /** What a node registers: each request goes to the handler of that moment. */
  table(): Handlers {
    const methods = Object.keys(this.#honest) as HandledMethod[];
    const entries = methods.map((method): [HandledMethod, Handler] => [
      method,
      (request, exchange) => this.#current[method](request, exchange),
    ]);
    return Object.fromEntries(entries) as Handlers;
  }
}
