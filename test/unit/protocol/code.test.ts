import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CodeError,
  type CodeErrorType,
  type CodeId,
  type CodeParameters,
  checkEncode,
  checkReconstruct,
  defaultCode,
  formatCode,
  parseCodeParameters,
  STANDARD_PARAMETERS,
  validateCode,
} from '../../../protocol/code.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

function refusal(code: CodeErrorType['code']): (error: unknown) => boolean {
  return (error) => error instanceof CodeError && error.code === code;
}

const shard = new Uint8Array(SHARD_BYTES);

describe('parameters', () => {
  const texts: [string, CodeParameters][] = [
    ['4+2', { id: 1, k: 4, m: 2 }],
    ['fr-lagrange:20+10', { id: 1, k: 20, m: 10 }],
    ['gf256:16+8', { id: 2, k: 16, m: 8 }],
    ['replica:1+2', { id: 0, k: 1, m: 2 }],
    ['replica:1+0', { id: 0, k: 1, m: 0 }],
    ['replica:1+63', { id: 0, k: 1, m: 63 }],
    ['2+62', { id: 1, k: 2, m: 62 }],
  ];
  for (const [text, code] of texts) {
    test(`${text} is read and written`, () => {
      assert.deepEqual(parseCodeParameters(text), code);
      assert.deepEqual(parseCodeParameters(formatCode(code)), code);
    });
  }

  const refused = ['', '4', '4+', '+2', '4+2+1', ' 4+2', '4+2\n', '-4+2', '4.5+2', '0x4+2', 'xor:4+2', '1:4+2', ':4+2'];
  const invalid = [
    '0+2',
    '1+1',
    '4+0',
    '63+2',
    '99+99',
    '100+1',
    'replica:2+1',
    'replica:0+1',
    'replica:1+64',
    'gf256:1+1',
  ];
  for (const text of [...refused, ...invalid]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseCodeParameters(text), refusal('invalid-code'));
    });
  }

  test('whatever is valid is within the bounds of the protocol', () => {
    const ids = fc.integer({ min: -1, max: 3 });
    const counts = fc.oneof(fc.integer({ min: -2, max: 70 }), fc.constantFrom(0.5, Number.NaN, Infinity, 2 ** 53));
    fc.assert(
      fc.property(ids, counts, counts, (id, k, m) => {
        const within = Number.isInteger(k) && Number.isInteger(m) && k + m <= 64;
        const replica = id === 0 && k === 1 && m >= 0;
        const erasure = (id === 1 || id === 2) && k >= 2 && m >= 1;
        const check = () => validateCode({ id: id as CodeId, k, m });
        if (within && (replica || erasure)) check();
        else assert.throws(check, refusal('invalid-code'));
      }),
      { numRuns: 1000 },
    );
  });

  test('gf256 is refused for raw 4844 blobs, the others are not', () => {
    assert.throws(() => validateCode({ id: 2, k: 4, m: 2 }, 'raw4844'), refusal('invalid-code'));
    validateCode({ id: 1, k: 4, m: 2 }, 'raw4844');
    validateCode({ id: 0, k: 1, m: 2 }, 'raw4844');
    validateCode({ id: 2, k: 4, m: 2 }, 'packed31');
  });

  test('the default is the widest standard code that finds its peers', () => {
    const widest = (peers: number) => {
      const code = defaultCode(peers);
      return code && formatCode(code);
    };
    assert.deepEqual([0, 2, 3, 5, 6, 8, 9].map(widest), [
      undefined,
      undefined,
      'fr-lagrange:2+1',
      'fr-lagrange:2+1',
      'fr-lagrange:4+2',
      'fr-lagrange:4+2',
      'fr-lagrange:6+3',
    ]);
    assert.equal(widest(29), 'fr-lagrange:16+8');
    assert.equal(widest(1000), 'fr-lagrange:20+10');
    assert.deepEqual(defaultCode(12, 2), { id: 2, k: 8, m: 4 });
    for (const { k, m } of STANDARD_PARAMETERS) validateCode({ id: 1, k, m });
  });
});

describe('what a code refuses to work on', () => {
  test('encode: no data, too much data, data of another length, invalid parameters', () => {
    const code = { id: 1, k: 2, m: 1 } as const;
    checkEncode(code, [shard]);
    checkEncode(code, [shard, shard]);
    assert.throws(() => checkEncode(code, []), refusal('invalid-data-count'));
    assert.throws(() => checkEncode(code, [shard, shard, shard]), refusal('invalid-data-count'));
    assert.throws(() => checkEncode(code, [shard, shard.subarray(1)]), refusal('invalid-shard-length'));
    assert.throws(() => checkEncode({ ...code, k: 64 }, [shard]), refusal('invalid-code'));
  });

  const request = { k: 4, m: 2, dataCount: 3, have: new Map([0, 2, 5].map((i) => [i, shard])), want: [1, 4] };
  const cases: [string, Partial<typeof request>, CodeErrorType][] = [
    ['fewer than k′ shards', { have: new Map([[0, shard]]) }, { code: 'not-enough-shards', needed: 3, present: 1 }],
    ['a shard wanted twice', { want: [1, 4, 1] }, { code: 'repeated-index', index: 1 }],
    ['a shard past the stripe wanted', { want: [6] }, { code: 'invalid-index', index: 6 }],
    ['a negative index wanted', { want: [-1] }, { code: 'invalid-index', index: -1 }],
    ['a fraction wanted', { want: [0.5] }, { code: 'invalid-index', index: 0.5 }],
    ['a zero shard of a short stripe wanted', { want: [3] }, { code: 'invalid-index', index: 3 }],
    ['a zero shard of a short stripe given', { have: new Map([[3, shard]]) }, { code: 'invalid-index', index: 3 }],
    ['a shard past the stripe given', { have: new Map([[6, shard]]) }, { code: 'invalid-index', index: 6 }],
    [
      'a shard of another length',
      { have: new Map([[5, shard.subarray(32)]]) },
      { code: 'invalid-shard-length', index: 5, length: SHARD_BYTES - 32 },
    ],
    ['no data shards', { dataCount: 0 }, { code: 'invalid-data-count', dataCount: 0, k: 4 }],
    ['more data shards than k', { dataCount: 5 }, { code: 'invalid-data-count', dataCount: 5, k: 4 }],
  ];
  for (const [name, change, type] of cases) {
    test(`reconstruct: ${name}`, () => {
      checkReconstruct(1, request);
      assert.throws(
        () => checkReconstruct(1, { ...request, ...change }),
        (error) => {
          assert.ok(error instanceof CodeError);
          assert.deepEqual(error.type, type);
          return true;
        },
      );
    });
  }
});
