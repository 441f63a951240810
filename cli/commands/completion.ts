import type { Command as Parser } from 'commander';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeLine } from '../output.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What can follow each command path, e.g. `config` → its subcommands and flags. */
interface Node {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly doc: string }[];
}

/** Prints a completion script made from the very table of commands that the parser uses. */
export async function completion(context: CommandContext, shell: Shell, program: Parser): Promise<ExitCode> {
  const nodes = collect(program, '');
  const script = { bash, zsh, fish }[shell](nodes);
  await writeLine(context.stdout, context.json ? JSON.stringify({ shell, script }) : script);
  return EXIT.ok;
}

function collect(command: Parser, path: string): Node[] {
  const visible = command.createHelp();
  const children = visible.visibleCommands(command).filter((child) => child.name() !== 'help');
  const options = visible.visibleOptions(command).concat(path === '' ? [] : visible.visibleGlobalOptions(command));
  const words = [
    ...children.map((child) => ({ word: child.name(), doc: child.description() })),
    ...options.flatMap((option) => (option.long ? [{ word: option.long, doc: option.description }] : [])),
  ];
  return [{ path, words }, ...children.flatMap((child) => collect(child, `${path} ${child.name()}`.trim()))];
}

function cases(nodes: readonly Node[]): string {
  return nodes
    .map(({ path, words }) => `    '${path}') candidates='${words.map(({ word }) => word).join(' ')}' ;;`)
    .join('\n');
}

/** The words before the cursor that name commands, at most two: `config show`. In zsh `path` and `words` are taken. */
function pathFunction(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `_holdfast_words() {
  local command='' word candidates=''
  for word in "$@"; do
    case "\${command:+$command }$word" in
      ${paths.join('|')}) command="\${command:+$command }$word" ;;
    esac
  done
  case "$command" in
${cases(nodes)}
  esac
  printf '%s' "$candidates"
}`;
}

function bash(nodes: readonly Node[]): string {
  return `# holdfast completion for bash: source <(holdfast completion bash)
${pathFunction(nodes)}
_holdfast() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(_holdfast_words "\${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "$current"))
}
complete -o default -F _holdfast holdfast`;
}

function zsh(nodes: readonly Node[]): string {
  return `#compdef holdfast
# holdfast completion for zsh: source <(holdfast completion zsh)
${pathFunction(nodes)}
_holdfast() {
  local -a candidates
  candidates=(\${=$(_holdfast_words "\${(@)words[2,CURRENT-1]}")})
  compadd -a candidates
  [[ $PREFIX == -* ]] || _files
}
compdef _holdfast holdfast`;
}

function fish(nodes: readonly Node[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const lines = nodes.flatMap(({ path, words }) => {
    const names = path === '' ? [] : path.split(' ');
    const condition =
      path === '' ? '__fish_use_subcommand' : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    return words.map(({ word, doc }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c holdfast -n ${quoted(condition)} ${what} -d ${quoted(doc)}`;
    });
  });
  return `# holdfast completion for fish: holdfast completion fish | source\n${lines.join('\n')}`;
}
