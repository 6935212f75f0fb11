/** TestIamPermissions: which of some permissions the caller has, as the policies of this server say. */
import type { BoundPlace } from '../../core/call.ts';
import { messageOf } from './asking.ts';
import type { Method } from './asking.ts';
import { parseSecret } from './names.ts';
import type { SecretName } from './names.ts';
import { StatusError } from './wire/status.ts';

/** The mount that holds a project's secrets, below its namespace; undefined when nothing is bound. */
export type MountOf = (place: Pick<BoundPlace, 'name' | 'region'>) => Promise<string | undefined>;

const PERMISSIONS_MAX = 100;

/** What the binding of a project is looked up by. */
export function placeOf({ project, location }: SecretName): Pick<BoundPlace, 'name' | 'region'> {
  return { name: project, ...(location === '' ? {} : { region: location }) };
}

interface Right {
  /** Below the mount, in front of the secret's id. */
  readonly folder: string;
  /** One of these is enough. */
  readonly capabilities: readonly string[];
}

const METADATA_READ: Right = { folder: 'metadata/', capabilities: ['read'] };
const METADATA_PATCH: Right = { folder: 'metadata/', capabilities: ['patch'] };

/** What the methods of this facade ask for, by the permission that Google names for them. */
const RIGHTS: ReadonlyMap<string, Right> = new Map<string, Right>([
  ['secretmanager.versions.access', { folder: 'data/', capabilities: ['read'] }],
  ['secretmanager.versions.add', { folder: 'data/', capabilities: ['create', 'update'] }],
  ['secretmanager.versions.get', METADATA_READ],
  ['secretmanager.versions.list', METADATA_READ],
  ['secretmanager.secrets.get', METADATA_READ],
  ['secretmanager.secrets.update', METADATA_PATCH],
  ['secretmanager.versions.enable', METADATA_PATCH],
  ['secretmanager.versions.disable', METADATA_PATCH],
  ['secretmanager.versions.destroy', { folder: 'destroy/', capabilities: ['update'] }],
  ['secretmanager.secrets.delete', { folder: 'metadata/', capabilities: ['delete'] }],
]);

export function testPermissions(mountOf: MountOf): Method {
  return async (request, ask) => {
    const name = parseSecret((request['resource'] as string | undefined) ?? '');
    const asked = (request['permissions'] ?? []) as readonly string[];
    if (asked.length > PERMISSIONS_MAX) {
      throw new StatusError(
        'INVALID_ARGUMENT',
        `At most ${PERMISSIONS_MAX} permissions are tested.`,
      );
    }
    const mount = (await mountOf(placeOf(name))) ?? '';
    const paths = [...new Set(asked.map((one) => RIGHTS.get(one)?.folder))]
      .filter((folder) => folder !== undefined)
      .map((folder) => mount + folder + name.secret);
    const answer = await ask({
      name,
      operation: 'write',
      part: '',
      path: 'sys/capabilities-self',
      body: { paths },
    });
    const found = messageOf(answer);
    const permissions = asked.filter((one) => {
      const right = RIGHTS.get(one);
      if (right === undefined) return false;
      const held = (found[mount + right.folder + name.secret] ?? []) as readonly string[];
      return held.includes('root') || right.capabilities.some((each) => held.includes(each));
    });
    return { permissions };
  };
}
