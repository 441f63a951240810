import { parseSync, visitorKeys } from 'oxc-parser';

interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

interface Located {
  readonly line: number;
}

export interface ImportFact extends Located {
  readonly specifier: string;
  /** Local name → name in the other module; empty for side effects and dynamic imports. */
  readonly names: ReadonlyMap<string, string>;
}

/** What the architecture rules ask about one module. `path` is relative to the repository, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly imports: readonly ImportFact[];
  /** Syntax that a rule forbids outright, by node type. */
  readonly syntax: readonly (Located & { readonly type: string })[];
  /** Identifiers in expressions, and `object.property` where the object is an identifier. */
  readonly references: readonly (Located & { readonly name: string })[];
  readonly constructions: readonly (Located & { readonly name: string; readonly argumentCount: number })[];
  /** Class name → names of its methods. */
  readonly classes: ReadonlyMap<string, ReadonlySet<string>>;
}

const FORBIDDEN_SYNTAX = new Set([
  'ExportDefaultDeclaration',
  'TSEnumDeclaration',
  'TSAnyKeyword',
  'TSParameterProperty',
  'TSModuleDeclaration',
]);
/** Children that hold a name, not a reference to one. */
const NAME_KEYS = new Map([
  ['MemberExpression', 'property'],
  ['Property', 'key'],
  ['MethodDefinition', 'key'],
  ['PropertyDefinition', 'key'],
  ['ImportSpecifier', 'imported'],
  ['ExportSpecifier', 'exported'],
]);
/** TypeScript nodes that are expressions; below any other only types follow. */
const TYPE_EXPRESSIONS = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion']);

const isNode = (value: unknown): value is AstNode =>
  typeof value === 'object' && value !== null && typeof (value as AstNode).type === 'string';
const nameOf = (value: unknown): string | undefined =>
  isNode(value) && value.type === 'Identifier' ? (value.name as string) : undefined;

function children(node: AstNode): [key: string, child: AstNode][] {
  return (visitorKeys[node.type] ?? []).flatMap((key) =>
    [node[key]].flat().flatMap((child): [string, AstNode][] => (isNode(child) ? [[key, child]] : [])),
  );
}

/** @throws Error when the text is not TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  if (parsed.errors[0] !== undefined) throw new Error(`${path}: ${parsed.errors[0].message}`);
  const starts = [...text.matchAll(/\n/g)].map((match) => match.index + 1);
  const at = (offset: number): Located => ({ line: 1 + starts.filter((start) => start <= offset).length });

  const imports: ImportFact[] = [];
  const syntax: (Located & { type: string })[] = [];
  const references: (Located & { name: string })[] = [];
  const constructions: (Located & { name: string; argumentCount: number })[] = [];
  const classes = new Map<string, Set<string>>();

  const addImport = (node: AstNode, names = new Map<string, string>()): void => {
    const source = node.source;
    if (isNode(source) && typeof source.value === 'string') {
      imports.push({ specifier: source.value, names, ...at(node.start) });
    }
  };

  const visit = (node: AstNode, inType: boolean): void => {
    if (FORBIDDEN_SYNTAX.has(node.type) && !isAmbient(path, node)) syntax.push({ type: node.type, ...at(node.start) });
    switch (node.type) {
      case 'ImportDeclaration':
        addImport(
          node,
          new Map(children(node).flatMap(([key, child]) => (key === 'specifiers' ? [binding(child)] : []))),
        );
        return;
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        if (isNode(node.source)) syntax.push({ type: 'ReExport', ...at(node.start) });
        addImport(node);
        break;
      case 'ImportExpression':
      case 'TSImportType':
        addImport(node);
        break;
      case 'NewExpression': {
        const name = nameOf(node.callee);
        const argumentCount = (node.arguments as unknown[]).length;
        if (name !== undefined) constructions.push({ name, argumentCount, ...at(node.start) });
        break;
      }
      case 'ClassDeclaration':
      case 'ClassExpression': {
        const members = children(node).flatMap(([key, child]) => (key === 'body' ? children(child) : []));
        const name = nameOf(node.id);
        if (name !== undefined) classes.set(name, new Set(members.flatMap(([, member]) => nameOf(member.key) ?? [])));
        break;
      }
      case 'MemberExpression': {
        const object = nameOf(node.object);
        const property = node.computed === true ? undefined : nameOf(node.property);
        if (object !== undefined && property !== undefined)
          references.push({ name: `${object}.${property}`, ...at(node.start) });
        break;
      }
      case 'Identifier':
        if (!inType) references.push({ name: node.name as string, ...at(node.start) });
        break;
    }
    for (const [key, child] of children(node)) {
      const isName = NAME_KEYS.get(node.type) === key && node.computed !== true && node.shorthand !== true;
      const childInType = (inType || child.type.startsWith('TS')) && !TYPE_EXPRESSIONS.has(child.type);
      if (!isName) visit(child, childInType);
    }
  };
  visit(parsed.program as unknown as AstNode, false);
  return { path, text, lineCount: text.split('\n').length, imports, syntax, references, constructions, classes };
}

/** `declare module 'x' { … }` and the namespaces of a `.d.ts` add to types that others own. */
const isAmbient = (path: string, node: AstNode): boolean =>
  node.type === 'TSModuleDeclaration' && (path.endsWith('.d.ts') || (isNode(node.id) && node.id.type === 'Literal'));

function binding(specifier: AstNode): [local: string, imported: string] {
  const local = nameOf(specifier.local) ?? '';
  return [local, nameOf(specifier.imported) ?? local];
}
