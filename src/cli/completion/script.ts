/** Completion scripts for shells, written from the command table. The shell needs no call of this program to complete. */
import type { CommandRow } from '../command.ts';
import type { Flag } from '../flags.ts';
import { childrenOf, PROGRAM } from '../help.ts';
import { allFlags } from '../option-groups.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, rows: readonly CommandRow[]): string {
  if (shell === 'fish') return fishScript(rows);
  const script = bashScript(rows);
  // zsh runs bash completion functions.
  const preface = `#compdef ${PROGRAM}\nautoload -U +X bashcompinit && bashcompinit\n`;
  return shell === 'zsh' ? preface + script : script;
}

function visible(rows: readonly CommandRow[]): CommandRow[] {
  return rows.filter((row) => row.hidden !== true);
}

function topNames(rows: readonly CommandRow[]): string[] {
  return visible(rows)
    .filter((row) => !row.name.includes(' '))
    .map((row) => row.name);
}

function childNames(row: CommandRow, rows: readonly CommandRow[]): string[] {
  return childrenOf(row, rows).map((child) => child.name.slice(row.name.length + 1));
}

function visibleFlags(row: CommandRow): Flag[] {
  return allFlags(row).filter((flag) => flag.hidden !== true);
}

function bashScript(rows: readonly CommandRow[]): string {
  const words = visible(rows).map((row) => {
    const flags = visibleFlags(row).map((flag) =>
      flag.kind === 'boolean' ? `-${flag.name}` : `-${flag.name}=`,
    );
    return `    ${quote(row.name)}) words=${quote([...childNames(row, rows), ...flags].join(' '))} ;;`;
  });
  const values = new Map<string, string>();
  for (const flag of visible(rows).flatMap(visibleFlags)) {
    if (typeof flag.complete === 'object')
      values.set(flag.name, `-W ${quote(flag.complete.join(' '))}`);
    else if (flag.complete !== undefined)
      values.set(flag.name, flag.complete === 'file' ? '-f' : '-d');
  }
  const valueCases = [...values].map(
    ([name, how]) => `    -${name}|--${name}) COMPREPLY=($(compgen ${how} -- "$value")); return ;;`,
  );
  const nameCases = visible(rows)
    .map((row) => quote(row.name))
    .join('|');
  return `_${PROGRAM}() {
  local word name="" next words value flag
  COMPREPLY=()
  word="\${COMP_WORDS[COMP_CWORD]}"
  if [[ "$word" == "=" ]]; then value=""; flag="\${COMP_WORDS[COMP_CWORD-1]}"
  elif [[ "\${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then value="$word"; flag="\${COMP_WORDS[COMP_CWORD-2]}"
  else value="$word"; flag="\${COMP_WORDS[COMP_CWORD-1]}"; fi
  case "$flag" in
${valueCases.join('\n')}
  esac
  for next in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${name:+$name }$next" in
    ${nameCases}) name="\${name:+$name }$next" ;;
    *) break ;;
    esac
  done
  case "$name" in
    '') words=${quote(topNames(rows).join(' '))} ;;
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ "\${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _${PROGRAM} ${PROGRAM}
`;
}

function fishScript(rows: readonly CommandRow[]): string {
  const lines = [`complete -c ${PROGRAM} -f`];
  const nothing = `not __fish_seen_subcommand_from ${topNames(rows).join(' ')}`;
  for (const row of visible(rows)) {
    const parts = row.name.split(' ');
    const last = parts.pop() ?? '';
    const where = parts.length === 0 ? nothing : seen(parts);
    lines.push(
      `complete -c ${PROGRAM} -n ${quote(where)} -a ${quote(last)} -d ${quote(row.synopsis)}`,
    );
    for (const flag of visibleFlags(row)) {
      const value = flag.kind === 'boolean' ? '' : ' -r';
      const choice =
        typeof flag.complete === 'object' ? ` -a ${quote(flag.complete.join(' '))}` : '';
      const files = flag.complete === 'file' || flag.complete === 'folder' ? ' -F' : '';
      const condition = quote(seen([...parts, last]));
      lines.push(
        `complete -c ${PROGRAM} -n ${condition} -o ${flag.name}${value}${files}${choice} -d ${quote(flag.usage)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function seen(names: readonly string[]): string {
  return names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
