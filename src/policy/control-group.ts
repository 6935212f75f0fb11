/** Control groups: which approvals a request needs, and how a policy says so: `control_group { ttl = … factor "name" { controlled_capabilities = […] identity { group_names = […] approvals = n } } }` */
import { HclError } from '../base/hcl/parse.ts';
import type { HclNode, ObjectNode } from '../base/hcl/parse.ts';
import {
  asBoolean,
  asInteger,
  asObject,
  asStringList,
  blocksNamed,
  unknownKeys,
  valuesNamed,
} from '../base/hcl/read.ts';
import { parseSeconds } from '../base/duration.ts';
import { CAPABILITY_BITS, capabilityNames } from './capability.ts';
import type { ControlGroup, ControlGroupFactor } from './policy.ts';

const GROUP_KEYS: ReadonlySet<string> = new Set(['ttl', 'self_auth_allowed', 'factor']);
const FACTOR_KEYS: ReadonlySet<string> = new Set(['controlled_capabilities', 'identity']);
const IDENTITY_KEYS: ReadonlySet<string> = new Set(['group_names', 'group_ids', 'approvals']);

/** @throws {HclError} */
function assertKeys(body: ObjectNode, allowed: ReadonlySet<string>, what: string): void {
  const [key] = unknownKeys(body, allowed);
  if (key === undefined) return;
  throw new HclError(
    `${what}: invalid key ${JSON.stringify(key.name)} on line ${key.position.line}`,
    key.position,
  );
}

function lastOf(body: ObjectNode, name: string): HclNode | undefined {
  return valuesNamed(body, name).at(-1);
}

/** The control groups of a `path` block, usually none. @throws {HclError} */
export function readControlGroups(body: ObjectNode): readonly ControlGroup[] {
  return valuesNamed(body, 'control_group').map((node) =>
    readControlGroup(asObject(node, 'control_group')),
  );
}

function readControlGroup(body: ObjectNode): ControlGroup {
  assertKeys(body, GROUP_KEYS, 'control_group');
  const ttl = lastOf(body, 'ttl');
  const selfAuthorization = lastOf(body, 'self_auth_allowed');
  const factors = blocksNamed(body, 'factor', 1);
  if (factors.length === 0) throw new HclError('control_group: a factor is needed', body.position);
  return {
    ttlSeconds: ttl === undefined ? 0 : Math.max(readSeconds(ttl, 'control_group ttl'), 0),
    selfAuthorizationAllowed:
      selfAuthorization !== undefined && asBoolean(selfAuthorization, 'self_auth_allowed'),
    factors: factors.map((block) => readFactor(block.labels[0] ?? '', block.body)),
  };
}

/** Whole seconds of a number or a duration text. @throws {HclError} */
export function readSeconds(node: HclNode, what: string): number {
  const raw =
    node.kind === 'string' ? node.value : node.kind === 'number' ? Math.trunc(node.value) : null;
  const value = parseSeconds(raw);
  if (value === undefined) {
    throw new HclError(`error parsing ${what}: invalid duration`, node.position);
  }
  return value;
}

function readFactor(name: string, body: ObjectNode): ControlGroupFactor {
  assertKeys(body, FACTOR_KEYS, 'control_group factor');
  const capabilities = lastOf(body, 'controlled_capabilities');
  const controlled =
    capabilities === undefined ? [] : asStringList(capabilities, 'controlled_capabilities');
  const unknown = controlled.find((capability) => !CAPABILITY_BITS.has(capability));
  if (unknown !== undefined) {
    throw new HclError(
      `controlled_capabilities: invalid capability ${JSON.stringify(unknown)}`,
      body.position,
    );
  }
  const identity = lastOf(body, 'identity');
  if (identity === undefined) {
    throw new HclError('control_group factor: identity is needed', body.position);
  }
  return { name, controlledCapabilities: controlled, ...readIdentity(identity) };
}

function readIdentity(
  node: HclNode,
): Pick<ControlGroupFactor, 'groupNames' | 'groupIds' | 'approvals'> {
  const body = asObject(node, 'identity');
  assertKeys(body, IDENTITY_KEYS, 'control_group factor identity');
  const names = lastOf(body, 'group_names');
  const ids = lastOf(body, 'group_ids');
  const approvals = lastOf(body, 'approvals');
  return {
    groupNames: names === undefined ? [] : asStringList(names, 'group_names'),
    groupIds: ids === undefined ? [] : asStringList(ids, 'group_ids'),
    approvals: approvals === undefined ? 1 : Math.max(asInteger(approvals, 'approvals'), 1),
  };
}

/** A factor that applies, and whether the one who asks may be among those who approve. */
export interface NeededFactor extends ControlGroupFactor {
  readonly selfAuthorizationAllowed: boolean;
}

/** The factors that control an operation with these capability bits. Fails closed: one that names no capabilities controls all. */
export function neededFactors(
  groups: readonly ControlGroup[],
  needed: number,
): readonly NeededFactor[] {
  const names = new Set<string>(capabilityNames(needed));
  return groups.flatMap(({ factors, selfAuthorizationAllowed }) =>
    factors
      .filter(
        ({ controlledCapabilities: controlled }) =>
          controlled.length === 0 || controlled.some((name) => names.has(name)),
      )
      .map((factor) => ({ ...factor, selfAuthorizationAllowed })),
  );
}
