import type { NodeOptions } from '../compose/node-options.ts';
import { SwitchableGate } from './switchable-gate.ts';
import { SwitchableHandlers } from './switchable-handlers.ts';
import { SwitchableReader } from './switchable-reader.ts';

/** Where a lab takes hold of a node: what it reads, what it does for others, whom it talks to. */
export interface LabHooks {
  /** To be handed to `createNode`, which fills `reader` and `handlers`. */
  readonly options: Required<Pick<NodeOptions, 'shardReader' | 'handlers' | 'gate'>>;
  readonly gate: SwitchableGate;
  /** What the node reads when it proves or serves. */
  readonly reader: SwitchableReader;
  /** What the node does for others. */
  readonly handlers: SwitchableHandlers;
}

/** Hooks of one node, all honest. `reader` and `handlers` are there once the node is made. */
export function labHooks(): LabHooks {
  const gate = new SwitchableGate();
  let reader: SwitchableReader | undefined;
  let handlers: SwitchableHandlers | undefined;
  return {
    options: {
      gate,
      shardReader(honest) {
        reader = new SwitchableReader(honest);
        return reader;
      },
      handlers(honest) {
        handlers = new SwitchableHandlers(honest);
        return handlers.table();
      },
    },
    gate,
    get reader() {
      return made(reader);
    },
    get handlers() {
      return made(handlers);
    },
  };
}

function made<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the node of these hooks is not made yet');
  return part;
}
