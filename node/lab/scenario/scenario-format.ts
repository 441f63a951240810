import { parseCodeNumbers } from '../../config/option-types.ts';
import { isOptionKey } from '../../config/options.ts';
import * as field from '../../scenario/field.ts';
import { MAX_SEED } from '../../scenario/seed.ts';
import { LIES, type Lie } from '../faults/fault-order.ts';
import { ACTION_LIMITS } from '../lab-action.ts';
import { LAB_OWNED } from '../lab-config.ts';
import { MAX_LAB_NODES } from '../lab-size.ts';
import { parseNodeList } from '../node-list.ts';
import { checkScenario } from './check-scenario.ts';
import { EXPECTATIONS, type LabScenario, type NodeChoice, type StepAction } from './lab-scenario.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const MIB = 1024 * 1024;
const MAX_STEPS = 1000;
const MAX_FILES = 64;
const MAX_FILE_BYTES = 1024 * MIB;

const numbers: field.Field<readonly number[]> = {
  read(value, key) {
    const text = typeof value === 'number' ? String(value) : value;
    const list = typeof text === 'string' ? parseNodeList(text) : undefined;
    return list ?? field.refuse(key, `numbers of nodes such as "3" or "1-4,7"`, value);
  },
};
const count = field.whole({ min: 1, max: MAX_LAB_NODES });
const share = field.decimal({ min: 0, max: 1 });
const seconds = (max: number) => field.span({ min: 0, max });
const none = field.section({});

const WHOM = {
  nodes: field.optional(numbers, undefined),
  count: field.optional(count, undefined),
  share: field.optional(share, undefined),
};
type Whom = { readonly [K in keyof typeof WHOM]: field.Read<(typeof WHOM)[K]> };

/** A section that says in exactly one way which nodes are meant, and what else `more` asks. */
function onNodes<const S extends Parameters<typeof field.section>[0]>(more: S) {
  const whole = field.section({ ...WHOM, ...more });
  return {
    read(value: unknown, key: string) {
      const read = whole.read(value, key);
      return { ...read, whom: choiceOf(read as unknown as Whom, key) };
    },
  };
}

function choiceOf({ nodes, count: many, share: part }: Whom, key: string): NodeChoice {
  const given = [nodes, many, part].filter((way) => way !== undefined);
  if (given.length !== 1) throw new field.FieldError(key, 'expected exactly one of nodes, count, share');
  if (nodes !== undefined) return { nodes };
  return many === undefined ? { share: part as number } : { count: many };
}

const STEP = field.variant(
  {
    kill: onNodes({}),
    stop: onNodes({}),
    start: onNodes({}),
    corrupt: onNodes({
      shards: field.optional(field.whole({ min: 1, max: ACTION_LIMITS.shards }), 1),
      bits: field.optional(field.whole({ min: 1, max: ACTION_LIMITS.bits }), 1),
    }),
    drop: onNodes({ amount: field.optional(share, 1) }),
    slow: onNodes({ ms: field.whole({ min: 0, max: ACTION_LIMITS.slowMs }) }),
    lie: onNodes({ how: field.optional(field.choice<Lie | 'none'>([...LIES, 'none']), 'altered' as const) }),
    flood: onNodes({ target: numbers, for: field.span({ min: SECOND, max: ACTION_LIMITS.floodMs }) }),
    partition: field.section({ groups: field.list(numbers, { min: 1, max: MAX_LAB_NODES }) }),
    heal: none,
    churn: field.section({
      rate: field.decimal({ min: 0, max: ACTION_LIMITS.churnPerMinute }),
      down: field.optional(seconds(ACTION_LIMITS.downMs), 20 * SECOND),
      most: field.optional(count, 1),
    }),
  },
  { at: seconds(HOUR) },
);
type Step = field.Read<typeof STEP>;

const SECTION = field.section({
  name: field.optional(field.words({ pattern: /^[\w.-]{1,64}$/, expected: 'letters, digits, dots and dashes' }), 'lab'),
  about: field.optional(field.words(), ''),
  seed: field.optional(field.whole({ min: 0, max: MAX_SEED }), 1),
  nodes: field.whole({ min: 2, max: MAX_LAB_NODES }),
  code: field.optional(
    field.words({ pattern: /^(auto|\d{1,2}\+\d{1,2})$/, expected: 'auto or k+m, e.g. 4+2' }),
    'auto',
  ),
  time: field.span({ min: SECOND, max: HOUR }),
  patience: field.optional(seconds(HOUR), 60 * SECOND),
  config: field.optional(
    field.named(scalar(), { pattern: /^[a-z]+\.[A-Za-z]+$/, expected: 'an option such as audit.cycle', max: 64 }),
    new Map<string, string>(),
  ),
  files: field.list(
    field.section({
      size: field.bytes({ min: 1, max: MAX_FILE_BYTES }),
      count: field.optional(field.whole({ min: 1, max: MAX_FILES }), 1),
      owner: field.optional(count, 1),
    }),
    { min: 1, max: MAX_FILES },
  ),
  spare: field.optional(numbers, [] as readonly number[]),
  steps: field.list(STEP, { max: MAX_STEPS }),
  expect: field.optional(field.list(field.choice(EXPECTATIONS), { max: EXPECTATIONS.length }), [
    'no-file-lost',
    'no-honest-disqualified',
  ] as const),
});

/** Said on the command line; goes before what the file says. */
export interface ScenarioOverrides {
  readonly nodes?: number;
  /** `auto` or `k+m`. */
  readonly code?: string;
}

/** The form of scenario files for a lab. */
export function labFormat(overrides: ScenarioOverrides = {}): field.Field<LabScenario> {
  return {
    read(value, key) {
      if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'kind')) {
        throw new field.FieldError('kind', 'is a key of simulations: run them with `holdfast simulate`');
      }
      const { about: _, steps, config, ...rest } = SECTION.read(value, key);
      const { nodes = rest.nodes, code = rest.code } = overrides;
      for (const option of config.keys()) {
        if (!isOptionKey(option)) throw new field.FieldError(`config.${option}`, 'is no option of a node');
        if (LAB_OWNED.has(option))
          throw new field.FieldError(`config.${option}`, 'is set by the lab itself: leave it out');
      }
      const scenario: LabScenario = {
        ...rest,
        nodes,
        code: codeOf(code),
        config,
        steps: steps.map((step) => ({ at: step.at, action: actionOf(step) })),
      };
      checkScenario(scenario);
      return scenario;
    },
  };
}

function codeOf(text: string): LabScenario['code'] {
  if (text === 'auto') return 'auto';
  return parseCodeNumbers(text) ?? field.refuse('code', 'k+m with k from 1 and k+m to 64', text);
}

function actionOf(step: Step): StepAction {
  switch (step.kind) {
    case 'kill':
    case 'stop':
    case 'start':
      return { do: step.kind, whom: step.value.whom };
    case 'corrupt':
      return { do: 'corrupt', whom: step.value.whom, shards: step.value.shards, bits: step.value.bits };
    case 'drop':
      return { do: 'drop', whom: step.value.whom, amount: step.value.amount };
    case 'slow':
      return { do: 'slow', whom: step.value.whom, ms: step.value.ms };
    case 'lie':
      return { do: 'lie', whom: step.value.whom, how: step.value.how };
    case 'flood':
      return { do: 'flood', whom: step.value.whom, targets: step.value.target, ms: step.value.for };
    case 'partition':
      return { do: 'partition', groups: step.value.groups };
    case 'heal':
      return { do: 'heal' };
    case 'churn':
      return { do: 'churn', perMinute: step.value.rate, downMs: step.value.down, atMost: step.value.most };
  }
}

/** A value of an option, as text; what it may be is checked by the option itself. */
function scalar(): field.Field<string> {
  return {
    read: (value, key) => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
      return field.refuse(key, 'a value', value);
    },
  };
}
