/** Writes the tables of docs/configuration.md from the tables that the server decodes by; `npm run check` compares them. */
import { writeFileSync } from 'node:fs';
import {
  AUDIT_KEYS,
  SEAL_INSTEAD,
  SEAL_KEYS,
  STORAGE_INSTEAD,
  STORAGE_KEYS,
  TELEMETRY_KEYS,
  USER_LOCKOUT_KEYS,
} from '../src/server/config/block-keys.ts';
import { isUsed } from '../src/server/config/key-table.ts';
import { LISTENER_KEYS } from '../src/server/config/listener-keys.ts';
import { TOP_KEYS } from '../src/server/config/top-keys.ts';
import { ROOT, readPath } from './source-files.ts';
import type { Key, KeyTable } from '../src/server/config/key-table.ts';

const PAGE = 'docs/configuration.md';

function shownDefault(key: Key): string {
  if (key.required === true) return 'required';
  if (key.default === undefined) return '';
  if (key.type === 'duration' && typeof key.default === 'number') {
    return `\`${shownDuration(key.default)}\``;
  }
  return `\`${JSON.stringify(key.default).replaceAll('"', '')}\``;
}

function shownDuration(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

function keyRow(name: string, key: Key): string {
  const notes = [
    key.inside === undefined ? '' : `Inside \`${key.inside} { … }\`.`,
    key.allowed === undefined ? '' : `One of ${key.allowed.map((one) => `\`${one}\``).join(', ')}.`,
    key.environment === undefined ? '' : `Environment: \`STRONGROOM_${key.environment}\`.`,
  ];
  const text = [key.description, ...notes].filter((note) => note !== '').join(' ');
  return `| \`${name}\` | ${key.type} | ${shownDefault(key)} | ${text.replaceAll('|', '\\|')} |`;
}

function table(keys: KeyTable): string {
  const rows = Object.entries(keys).flatMap(([name, key]) =>
    isUsed(key) ? [keyRow(name, key)] : [],
  );
  const passedBy = Object.entries(keys).flatMap(([name, key]) =>
    'ignored' in key
      ? [`| \`${name}\` | ignored with a warning: ${key.ignored} |`]
      : 'refused' in key
        ? [`| \`${name}\` | refused: ${key.refused} |`]
        : [],
  );
  const parts = [];
  if (rows.length > 0) {
    parts.push(
      ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    );
  }
  if (passedBy.length > 0) {
    parts.push(
      ['| key of other servers | what happens |', '| --- | --- |', ...passedBy].join('\n'),
    );
  }
  return parts.length === 0 ? 'No keys.' : parts.join('\n\n');
}

function instead(kind: string, names: Readonly<Record<string, string>>): string {
  const rows = Object.entries(names).map(([name, text]) => `| \`${kind} "${name}"\` | ${text} |`);
  return ['| other servers’ | here |', '| --- | --- |', ...rows].join('\n');
}

const SECTIONS: Readonly<Record<string, string>> = {
  top: table(TOP_KEYS),
  listener: table(LISTENER_KEYS),
  'storage-sqlite': table(STORAGE_KEYS.sqlite),
  'storage-instead': instead('storage', STORAGE_INSTEAD),
  'seal-static': table(SEAL_KEYS.static),
  'seal-instead': instead('seal', SEAL_INSTEAD),
  audit: table(AUDIT_KEYS),
  telemetry: table(TELEMETRY_KEYS),
  'user-lockout': table(USER_LOCKOUT_KEYS),
};

const SLOT = /<!-- (?<name>[a-z-]+) -->\n[\s\S]*?<!-- end -->/g;

/** The page with every table as the code has it. */
export function writtenConfigPage(page: string): string {
  return page.replaceAll(SLOT, (slot, name: string) =>
    Object.hasOwn(SECTIONS, name) ? `<!-- ${name} -->\n\n${SECTIONS[name]}\n\n<!-- end -->` : slot,
  );
}

/** What is wrong with the page, one line each. */
export function checkConfigPage(): string[] {
  const page = readPath(PAGE);
  if (page === undefined) return [`${PAGE} is missing`];
  const missing = Object.keys(SECTIONS).filter((name) => !page.includes(`<!-- ${name} -->`));
  return [
    ...missing.map((name) => `${PAGE} has no table for ${name}`),
    ...(writtenConfigPage(page) === page
      ? []
      : [`${PAGE} is behind the code: bin/node tools/config-page.ts`]),
  ];
}

if (import.meta.main) writeFileSync(ROOT + PAGE, writtenConfigPage(readPath(PAGE) ?? ''));
