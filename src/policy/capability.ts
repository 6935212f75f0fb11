/** What a rule may grant, as names on the wire and as bits in memory. */
import type { Operation } from '../model/request.ts';

export const DENY = 1;
export const CREATE: number = 1 << 1;
export const READ: number = 1 << 2;
export const UPDATE: number = 1 << 3;
export const DELETE: number = 1 << 4;
export const LIST: number = 1 << 5;
export const SUDO: number = 1 << 6;
export const PATCH: number = 1 << 7;
export const SCAN: number = 1 << 8;

export type Capability =
  | 'deny'
  | 'create'
  | 'read'
  | 'update'
  | 'delete'
  | 'list'
  | 'sudo'
  | 'patch'
  | 'scan';

export const CAPABILITY_BITS: ReadonlyMap<string, number> = new Map<Capability, number>([
  ['deny', DENY],
  ['create', CREATE],
  ['read', READ],
  ['update', UPDATE],
  ['delete', DELETE],
  ['list', LIST],
  ['sudo', SUDO],
  ['patch', PATCH],
  ['scan', SCAN],
]);

const READ_POLICY = READ | LIST;
const WRITE_POLICY = CREATE | READ | UPDATE | DELETE | LIST;

/** The one-word `policy = "…"` of a path, older than `capabilities`. */
export const LEGACY_POLICIES: ReadonlyMap<string, number> = new Map([
  ['deny', DENY],
  ['read', READ_POLICY],
  ['write', WRITE_POLICY],
  ['sudo', WRITE_POLICY | SUDO],
]);

/** The capability that an operation needs; an operation without one is refused to all but root. */
export const NEEDED_CAPABILITY: Readonly<Record<Operation, number>> = {
  create: CREATE,
  read: READ,
  update: UPDATE,
  patch: PATCH,
  delete: DELETE,
  list: LIST,
  scan: SCAN,
  renew: UPDATE,
  revoke: UPDATE,
  // Always allowed before this table is asked.
  help: 0,
  header: 0,
};

/** Order in which a resultant ACL shows them. */
const SHOWN: readonly (readonly [Capability, number])[] = [
  ['create', CREATE],
  ['delete', DELETE],
  ['list', LIST],
  ['read', READ],
  ['sudo', SUDO],
  ['update', UPDATE],
  ['patch', PATCH],
  ['scan', SCAN],
];

/** The names in `bits`, in the order of resultant-acl; `deny` alone when it is set or nothing is. */
export function capabilityNames(bits: number): readonly Capability[] {
  const names =
    (bits & DENY) === 0 ? SHOWN.filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name) : [];
  return names.length > 0 ? names : ['deny'];
}
