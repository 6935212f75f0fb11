/** Every endpoint that the backends declare, as requests can be made of it. */
import type { DeclaredOperation, Path } from '../src/model/backend.ts';
import type { FieldKind } from '../src/model/field.ts';
import type { Target } from './target.ts';

export interface Endpoint {
  readonly method: string;
  /** Below `/v1/`, every parameter filled in. */
  readonly path: string;
  /** As declared, mount included: names the endpoint in a failure. */
  readonly pattern: string;
  readonly write: boolean;
  /** Fields that a caller sends beside the path. */
  readonly fields: ReadonlyMap<string, FieldKind>;
}

const METHODS: Readonly<Record<DeclaredOperation, string>> = {
  create: 'POST',
  update: 'POST',
  patch: 'PATCH',
  read: 'GET',
  delete: 'DELETE',
  list: 'LIST',
  scan: 'SCAN',
  header: 'HEAD',
};

/** The endpoints of every mount of the root namespace. */
export async function endpointsOf(target: Target): Promise<readonly Endpoint[]> {
  const { services } = target.instance;
  const routing = await services.table.routing(services.begin());
  const found: Endpoint[] = [];
  for (const mount of routing.mounts.values()) {
    if (mount.namespace.path !== '') continue;
    for (const path of mount.backend.paths as readonly Path<never>[]) {
      found.push(...endpointsAt(mount.fullPath, path));
    }
  }
  return found;
}

function endpointsAt(mountPath: string, path: Path<never>): readonly Endpoint[] {
  const filled = path.pattern
    .replaceAll(/\[([^\]]*)\]/g, '$1')
    .replaceAll(/\{\w+:uuid\}/g, '12345678-abcd-4def-8123-123456789abc')
    .replaceAll(/\{(\w+)[^}]*\}/g, (_all, name: string) => `x-${name.replaceAll('_', '-')}`);
  const inPath = new Set(Array.from(path.pattern.matchAll(/\{(\w+)/g), (match) => match[1]));
  const fields = new Map<string, FieldKind>();
  for (const [name, { kind }] of Object.entries(path.fields)) {
    if (!inPath.has(name)) fields.set(name, kind);
  }
  const methods = new Set(
    Object.keys(path.operations).map((operation) => METHODS[operation as DeclaredOperation]),
  );
  return [...methods].map((method) => ({
    method,
    path: `${mountPath}${filled}`,
    pattern: `${method} ${mountPath}${path.pattern}`,
    write: method === 'POST' || method === 'PATCH',
    fields,
  }));
}
