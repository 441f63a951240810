import { nodeCid, shardCid } from '../../protocol/cid.ts';
import { formatLink } from '../../protocol/link.ts';
import { digest, FILE_KEY } from './fixtures.ts';

/** Texts that are no links. */
export function linkFaults(rootBytes: Uint8Array): object[] {
  const root = nodeCid(rootBytes);
  const link = formatLink(root, FILE_KEY);
  const [body, key] = link.split('#') as [string, string];
  return [
    { why: 'no scheme', text: link.slice('holdfast:'.length), code: 'not-a-link' },
    { why: 'another scheme', text: `https:${body.slice('holdfast:'.length)}`, code: 'not-a-link' },
    { why: 'empty', text: '', code: 'not-a-link' },
    { why: 'longer than any link', text: `${link}${'A'.repeat(300)}`, code: 'not-a-link' },
    { why: 'no root', text: 'holdfast:', code: 'bad-root' },
    { why: 'a cut root', text: body.slice(0, -1), code: 'bad-root' },
    { why: 'a root in capitals', text: `holdfast:${body.slice('holdfast:'.length).toUpperCase()}`, code: 'bad-root' },
    { why: 'a shard instead of a root', text: `holdfast:${shardCid(digest('shard'))}`, code: 'bad-root' },
    { why: 'an empty key', text: `${body}#`, code: 'bad-key' },
    { why: 'a cut key', text: link.slice(0, -1), code: 'bad-key' },
    { why: 'a longer key', text: `${link}A`, code: 'bad-key' },
    { why: 'a key with unused bits set', text: `${body}#${key.slice(0, -1)}${nextLetter(key)}`, code: 'bad-key' },
    { why: 'a padded key', text: `${link}=`, code: 'bad-key' },
    { why: 'a second fragment', text: `${link}#${key}`, code: 'bad-key' },
  ];
}

/** 32 bytes leave two bits of the last letter unused: the next letter decodes to the same bytes. */
function nextLetter(key: string): string {
  return String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
}
