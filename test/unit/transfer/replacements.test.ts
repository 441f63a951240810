import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '../../../protocol/bytes.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { MemoryFailure } from '../../helpers/memory-network.ts';
import { stream } from '../../helpers/sample-object.ts';
import { pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const code = { k: 4, m: 2 } as const;
/** 2 stripes. */
const content = stream('replacements', 7 * FRAME_BYTES + 100);

function broken(): never {
  throw new MemoryFailure({ code: 'closed-early' }, 'the stream broke off');
}

/** An upload whose holders are the first six, of whom the last does not sign; the others are there to replace it. */
async function lastDoesNotSign(others: readonly { readonly region: string; readonly subnet: string }[]) {
  const bench = new TransferBench(6 + others.length);
  const all = bench.network.all;
  const places = ['A', 'A', 'B', 'B', 'C', 'C'].map((region, i) => ({ region, subnet: `127.0.${i + 1}` }));
  for (const [i, { region, subnet }] of [...places, ...others].entries()) {
    const peer = all[i]?.id ?? '';
    bench.table.advertised({ peer, capacity: 1e12, free: 1e12, region, addresses: [] });
    bench.table.connected(peer, `/ip4/${subnet}.1`);
  }
  const last = all[5];
  assert.ok(last);
  last.fault = (call) => (call === 'finalize' ? broken() : undefined);
  const chooser = bench.placement((bytes) => new Uint8Array(bytes));
  const added = await bench.uploader({ chooser }).add(pieces(content), { kind: 'file', code });
  const signed = (i: number) =>
    bench.receipts.some(({ holder }) => equalBytes(holder, all[i]?.signer.publicKey ?? holder));
  return { added, signed };
}

test('a replacement at the end keeps regions apart', async () => {
  const others = [
    { region: 'A', subnet: '127.0.7' },
    { region: 'D', subnet: '127.0.8' },
  ];
  const { added, signed } = await lastDoesNotSign(others);
  assert.deepEqual([signed(5), signed(6), signed(7)], [false, false, true]);
  assert.ok(!added.warnings.some((warning) => warning.includes('too small')));
});

test('a replacement at the end that shares a subnet or crowds a region is told of', async () => {
  const subnet = await lastDoesNotSign([{ region: 'D', subnet: '127.0.1' }]);
  assert.equal(subnet.signed(6), true);
  assert.ok(subnet.added.warnings.some((warning) => warning.endsWith('some share a subnet')));
  const region = await lastDoesNotSign([{ region: 'A', subnet: '127.0.7' }]);
  assert.ok(region.added.warnings.some((warning) => warning.endsWith('some crowd one region')));
});
