import { PAYLOAD_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { blobInput, type Drawn, draw } from './field-inputs.ts';
import type { Property } from './harness.ts';
import type { RandomSource } from './random-source.ts';
import { agree, outcome, type Subjects } from './subjects.ts';

/** Payloads are packed alike into memory with anything in it, come back, and shards that carry none are refused alike. */
export function packingProperties({ packers }: Subjects): Property[] {
  const [definition] = packers;
  if (definition === undefined) throw new RangeError('there is nothing to compare with');
  return [
    {
      name: 'pack',
      weight: 6,
      async check(random, describe) {
        const length = lengthInput(random);
        describe(length.kind);
        const payload = random.bytes(length.value);
        const shard = definition.pack(payload, new Uint8Array(SHARD_BYTES));
        const dirty = random.bytes(SHARD_BYTES);
        await agree(packers, await outcome(() => [shard]), ({ pack }) => outcome(() => [pack(payload, dirty.slice())]));
        await agree(packers, await outcome(() => [payload]), ({ unpack }) =>
          outcome(() => [unpack(shard, payload.length)]),
        );
      },
    },
    {
      name: 'unpack what may not be packed',
      weight: 6,
      async check(random, describe) {
        const { kind, value: length } = lengthInput(random);
        const packed = definition.pack(random.bytes(length), new Uint8Array(SHARD_BYTES));
        const changed = draw<Uint8Array>(random, {
          'a flipped bit': () => {
            const at = random.below(SHARD_BYTES);
            return packed.with(at, (packed[at] as number) ^ (1 << random.below(8)));
          },
          'another blob': () => blobInput(random).value,
          'another length': () => packed.subarray(random.below(64)),
        });
        describe(`${kind}, ${changed.kind}`);
        const asked = random.pick([length, length, length + 1, Math.max(length - 1, 0)]);
        const expected = await outcome(() => [definition.unpack(changed.value, asked)]);
        await agree(packers, expected, ({ unpack }) => outcome(() => [unpack(changed.value, asked)]));
      },
    },
  ];
}

function lengthInput(random: RandomSource): Drawn<number> {
  return draw<number>(random, {
    'a short payload': () => random.below(70),
    'whole elements': () => 31 * random.below(4097),
    'a byte more or less than whole elements': () => 31 * (1 + random.below(4095)) + random.pick([-1, 1]),
    'a full payload': () => PAYLOAD_BYTES - random.below(2),
    'any payload': () => random.below(PAYLOAD_BYTES + 1),
  });
}
