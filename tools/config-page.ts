/**
 * Writes the tables of docs/configuration.md and docs/agent.md from the tables that the server and the agent decode by;
 * `npm run check` compares them.
 */
import {
  AGENT_KEYS,
  AGENT_LISTENER_KEYS,
  API_PROXY_KEYS,
  CACHE_KEYS,
  EXEC_KEYS,
  METHOD_KEYS,
  SERVER_KEYS,
  SINK_KEYS,
  TEMPLATE_KEYS,
  TEMPLATING_KEYS,
} from '../src/agent/config/agent-keys.ts';
import {
  AUDIT_KEYS,
  BINDING_KEYS,
  SEAL_INSTEAD,
  SEAL_KEYS,
  STORAGE_INSTEAD,
  STORAGE_KEYS,
  TELEMETRY_KEYS,
  USER_LOCKOUT_KEYS,
} from '../src/server/config/block-keys.ts';
import { isUsed } from '../src/base/config/key-table.ts';
import { LISTENER_KEYS } from '../src/server/config/listener-keys.ts';
import { TOP_KEYS } from '../src/server/config/top-keys.ts';
import { markdownTable, writePage } from './page-slots.ts';
import type { Key, KeyTable } from '../src/base/config/key-table.ts';
import type { WrittenPage } from './page-slots.ts';

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

function keyRow(name: string, key: Key): string[] {
  const notes = [
    key.description,
    key.inside === undefined ? '' : `Inside \`${key.inside} { … }\`.`,
    key.allowed === undefined ? '' : `One of ${key.allowed.map((one) => `\`${one}\``).join(', ')}.`,
    key.environment === undefined ? '' : `Environment: \`STRONGROOM_${key.environment}\`.`,
  ];
  const text = notes.filter((note) => note !== '').join(' ');
  return [`\`${name}\``, key.type, shownDefault(key), text];
}

function table(keys: KeyTable): string {
  const used: string[][] = [];
  const others: string[][] = [];
  for (const [name, key] of Object.entries(keys)) {
    if (isUsed(key)) used.push(keyRow(name, key));
    else if ('ignored' in key)
      others.push([`\`${name}\``, `ignored with a warning: ${key.ignored}`]);
    else others.push([`\`${name}\``, `refused: ${key.refused}`]);
  }
  const parts: string[] = [];
  if (used.length > 0) parts.push(markdownTable(['key', 'type', 'default', 'meaning'], used));
  if (others.length > 0) {
    parts.push(markdownTable(['key of other servers', 'what happens'], others));
  }
  return parts.join('\n\n');
}

function instead(kind: string, names: Readonly<Record<string, string>>): string {
  const rows = Object.entries(names).map(([name, text]) => [`\`${kind} "${name}"\``, text]);
  return markdownTable(['other servers’', 'here'], rows);
}

export const CONFIG_PAGE: WrittenPage = {
  path: 'docs/configuration.md',
  tool: 'tools/config-page.ts',
  parts: {
    top: table(TOP_KEYS),
    listener: table(LISTENER_KEYS),
    'storage-sqlite': table(STORAGE_KEYS.sqlite),
    'storage-postgresql': table(STORAGE_KEYS.postgresql),
    'storage-instead': instead('storage', STORAGE_INSTEAD),
    'seal-static': table(SEAL_KEYS.static),
    'seal-instead': instead('seal', SEAL_INSTEAD),
    audit: table(AUDIT_KEYS),
    telemetry: table(TELEMETRY_KEYS),
    'user-lockout': table(USER_LOCKOUT_KEYS),
    binding: table(BINDING_KEYS),
  },
};

export const AGENT_PAGE: WrittenPage = {
  path: 'docs/agent.md',
  tool: 'tools/config-page.ts',
  parts: {
    'auto-auth-method': table(METHOD_KEYS),
    sink: table(SINK_KEYS),
    server: table(SERVER_KEYS),
    template: table(TEMPLATE_KEYS),
    templating: table(TEMPLATING_KEYS),
    exec: table(EXEC_KEYS),
    'api-proxy': table(API_PROXY_KEYS),
    listener: table(AGENT_LISTENER_KEYS),
    cache: table(CACHE_KEYS),
    top: table(AGENT_KEYS),
  },
};

if (import.meta.main) {
  writePage(CONFIG_PAGE);
  writePage(AGENT_PAGE);
}
