import assert from 'node:assert/strict';

export interface PageNode {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Elements of a page that is well-formed XML behind its doctype; fails where it is not. */
export function parsedPage(page: string): PageNode[] {
  assert.ok(page.startsWith('<!doctype html>\n'));
  const source = page.slice('<!doctype html>\n'.length);
  const nodes: PageNode[] = [];
  const open: string[] = [];
  const pattern = /<style>([^<]*)<\/style>|<(\/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z0-9-]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let text = '';
  for (let last = 0; last < source.length; last = pattern.lastIndex) {
    const match = pattern.exec(source);
    assert.ok(match, `not well-formed at ${source.slice(last, last + 60)}`);
    const [, style, closing, name = '', attributes = '', self, chars] = match;
    if (style !== undefined) continue;
    if (chars !== undefined) {
      assert.doesNotMatch(chars, /&(?!(amp|lt|gt|quot|#39);)|>/);
      text += chars;
    } else if (closing === '/') assert.equal(open.pop(), name);
    else {
      const pairs = [...attributes.matchAll(/([a-zA-Z0-9-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
      assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, 'an attribute twice');
      nodes.push({ name, attributes: Object.fromEntries(pairs), text });
      if (self !== '/') open.push(name);
    }
  }
  assert.deepEqual(open, []);
  return nodes;
}
