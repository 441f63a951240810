import { LIES } from '../faults/fault-order.ts';
import { ACTION_LIMITS } from '../lab-action.ts';
import { MAX_LAB_NODES } from '../lab-size.ts';

type Schema = Readonly<Record<string, unknown>>;

const whole = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const node = whole(1, MAX_LAB_NODES);
const nodes: Schema = { type: 'array', items: node, minItems: 1, maxItems: MAX_LAB_NODES, uniqueItems: true };
const choice = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

/** An action with all of its fields and no others. */
function action(names: readonly string[], fields: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['do', ...Object.keys(fields)],
    properties: { do: choice(...names), ...fields },
  };
}

/** Bodies of `POST /v1/lab/actions`: a `LabAction`. */
export const actionBody: Schema = {
  oneOf: [
    action(['kill', 'stop', 'start'], { nodes }),
    action(['corrupt'], { nodes, shards: whole(1, ACTION_LIMITS.shards), bits: whole(1, ACTION_LIMITS.bits) }),
    action(['drop'], { nodes, share: { type: 'number', minimum: 0, maximum: 1 } }),
    action(['slow'], { nodes, ms: whole(0, ACTION_LIMITS.slowMs) }),
    action(['lie'], { nodes, how: choice(...LIES, 'none') }),
    action(['flood'], { nodes, targets: nodes, ms: whole(1, ACTION_LIMITS.floodMs) }),
    action(['partition'], { groups: { type: 'array', items: nodes, minItems: 1, maxItems: MAX_LAB_NODES } }),
    action(['heal'], {}),
    action(['churn'], {
      perMinute: { type: 'number', minimum: 0, maximum: ACTION_LIMITS.churnPerMinute },
      downMs: whole(0, ACTION_LIMITS.downMs),
      atMost: whole(1, MAX_LAB_NODES),
      spare: { ...nodes, minItems: 0 },
    }),
  ],
};
