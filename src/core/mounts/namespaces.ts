/** Namespaces: every secret, mount, policy and token hangs under one. The root namespace has no record. */
import { base62, uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

export interface Namespace {
  /** Short random word; `root` for the root namespace. */
  readonly id: string;
  readonly uuid: string;
  /** `''` for root, else `a/b/`. */
  readonly path: string;
  readonly customMetadata: Readonly<Record<string, string>>;
  /** Being deleted: serves nothing any more. */
  readonly tainted: boolean;
  /** Hash of the unlock key while the API is locked. */
  readonly lockedBy?: string;
}

/** Of every id but that of the root namespace. */
export const NAMESPACE_ID_LENGTH = 6;
/** Longest path of a namespace, all levels. */
const PATH_LENGTH_MAX = 512;
const PREFIX = 'core/namespace/';
const RESERVED = new Set(['root', 'sys', 'audit', 'auth', 'cubbyhole', 'identity']);

export function rootNamespace(clusterUuid: string): Namespace {
  return { id: ROOT_NAMESPACE_ID, uuid: clusterUuid, path: '', customMetadata: {}, tainted: false };
}

/**
 * These would read as something else than a namespace, `root` as the one that it is named in (CVE-2026-55775).
 * @throws {RequestError} invalid_request
 */
export function refuseReservedNamespace(name: string): void {
  const [first = ''] = name.split('/');
  if (RESERVED.has(first))
    throw invalidRequest(`"${first}/" is a reserved path and cannot be used as a namespace name`);
}

/** @throws {RequestError} invalid_request for a name that cannot be one segment of a namespace path. */
export function checkNamespaceName(name: string): void {
  if (name.includes('/')) throw invalidRequest('namespace name cannot contain /');
  if (name === '') throw invalidRequest('namespace name cannot be empty');
  refuseReservedNamespace(name);
  if (/\s/.test(name)) throw invalidRequest('namespace names cannot contain space characters');
  if (/[+*]/.test(name))
    throw invalidRequest("namespace names cannot contain the wildcard characters '+' and '*'");
  if (name.includes('..') || name === '.')
    throw invalidRequest('namespace names cannot be relative paths');
}

export function newNamespace(
  random: Random,
  path: string,
  customMetadata: Record<string, string>,
): Namespace {
  if (path.length > PATH_LENGTH_MAX) throw invalidRequest('namespace path is too long');
  return {
    id: base62(random, NAMESPACE_ID_LENGTH),
    uuid: uuid(random),
    path,
    customMetadata,
    tainted: false,
  };
}

export function putNamespace(unit: Unit, namespace: Namespace): void {
  unit.view(ROOT_NAMESPACE_ID, PREFIX).putJson(namespace.id, namespace);
}

export function deleteNamespaceRecord(unit: Unit, id: string): void {
  unit.view(ROOT_NAMESPACE_ID, PREFIX).delete(id);
}

/** All namespaces but root. */
export async function loadNamespaces(unit: Unit): Promise<Namespace[]> {
  const view = unit.view(ROOT_NAMESPACE_ID, PREFIX);
  const found: Namespace[] = [];
  let after: string | undefined;
  for (;;) {
    const ids = await view.list('', after === undefined ? {} : { after });
    if (ids.length === 0) return found;
    for (const id of ids) {
      const namespace = await view.getJson<Namespace>(id);
      if (namespace !== undefined) found.push(namespace);
    }
    after = ids.at(-1);
  }
}
