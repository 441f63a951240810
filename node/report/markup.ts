/** Text that is markup already; made only by the functions of this module, so that nothing else can be taken for it. */
export interface Markup {
  readonly html: string;
}

export type Attribute = string | number | undefined;
/** Plain strings are data and are escaped. */
export type Child = Markup | string | undefined;

/** Characters that XML 1.0 §2.2 does not allow; HTML parsers treat most of them as errors too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_ALLOWED = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g;
const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const;

/** Data as text or as the value of a quoted attribute. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(NOT_ALLOWED, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ESCAPES[character as keyof typeof ESCAPES]);
}

/** An element of HTML or SVG, also well-formed as XML. Attributes that are undefined are left out. */
export function element(name: string, attributes: Readonly<Record<string, Attribute>>, ...children: Child[]): Markup {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const opening = given.map(([key, value]) => ` ${key}="${attributeText(key, value as string | number)}"`).join('');
  const inside = join(children).html;
  return { html: inside === '' && isVoid(name) ? `<${name}${opening}/>` : `<${name}${opening}>${inside}</${name}>` };
}

export function join(children: readonly Child[]): Markup {
  return { html: children.map((child) => (typeof child === 'string' ? escaped(child) : (child?.html ?? ''))).join('') };
}

/** Elements that HTML forbids to close, and shapes of SVG, which may close themselves. */
const VOID = new Set(['meta', 'link', 'br', 'rect', 'line', 'path', 'circle']);
const isVoid = (name: string): boolean => VOID.has(name);

/** @throws RangeError for a number that is not finite */
function attributeText(name: string, value: string | number): string {
  if (typeof value === 'string') return escaped(value);
  if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}: not a finite number`);
  // Two decimals are a hundredth of a pixel.
  return String(Math.round(value * 100) / 100);
}
