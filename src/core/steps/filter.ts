/** Leaves of a listing what the caller may see, where the rule that allows it says so. */
import { RequestError, notFound } from '../../model/errors.ts';
import { visibleKeys } from '../../policy/visible-keys.ts';
import type { Exchange } from '../exchange.ts';
import { matchBackend, resolveMount } from '../mounts/mount-table.ts';
import type { Parts } from '../parts.ts';
import { appliesTo } from '../declared/paths.ts';

/** What a filtered listing may hold: of anything else it is not known what it tells. */
const FILTERED_MEMBERS: ReadonlySet<string> = new Set(['keys', 'key_info']);

export function filter(_parts: Parts, exchange: Exchange): void {
  const { acl, decision, reply } = exchange;
  const filterPath = decision?.responseKeysFilterPath ?? '';
  if (acl === undefined || filterPath === '' || reply === undefined) return;
  const data = reply.data ?? {};
  const { keys, key_info: keyInfo } = data as { keys?: unknown; key_info?: unknown };
  if (!Array.isArray(keys) || Object.keys(data).some((name) => !FILTERED_MEMBERS.has(name))) {
    const detail = 'the listing has a shape that cannot be filtered';
    throw new RequestError('internal', 'internal error', { detail });
  }
  const visible = visibleKeys(acl, {
    filterPath,
    namespacePath: exchange.namespace.path,
    path: exchange.path,
    keys: keys as readonly string[],
    nowMs: exchange.nowMs,
    needsSudo: (path) => needsSudo(exchange, path),
  });
  if (visible.length === 0) throw notFound();
  exchange.reply = {
    ...reply,
    data: {
      keys: visible,
      ...(keyInfo !== undefined && { key_info: only(keyInfo as Record<string, unknown>, visible) }),
    },
  };
}

function only(info: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const shown = Object.create(null) as Record<string, unknown>;
  for (const name of names) if (Object.hasOwn(info, name)) shown[name] = info[name];
  return shown;
}

function needsSudo(exchange: Exchange, path: string): boolean {
  const { namespace, routing } = exchange;
  const target = routing === undefined ? undefined : resolveMount(routing, namespace, path);
  if (target === undefined) return false;
  return appliesTo(matchBackend(target.mount.backend, target.path)?.path.sudo, target.path);
}
