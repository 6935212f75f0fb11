/** Stored password policies: texts by name, per namespace. */
import { listTree } from '../../model/listing/list-tree.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import { policyNameProblem } from '../policy-name.ts';
import { parsePasswordPolicy } from './password-policy.ts';
import type { PasswordPolicy } from './password-policy.ts';

const PREFIX = 'sys/password-policy/';

interface PasswordPolicyRecord {
  readonly text: string;
}

function view(unit: Unit, namespaceId: string): Transaction {
  return unit.view(namespaceId, PREFIX);
}

/** The text, undefined when there is no such policy. */
export async function readPasswordPolicy(
  unit: Unit,
  namespaceId: string,
  name: string,
): Promise<string | undefined> {
  if (policyNameProblem(name) !== undefined) return undefined;
  const record = await view(unit, namespaceId).getRecord<PasswordPolicyRecord>(name);
  return record?.text;
}

/** The parsed policy for an engine that names one, undefined when there is no such policy. */
export async function findPasswordPolicy(
  unit: Unit,
  namespaceId: string,
  name: string,
): Promise<PasswordPolicy | undefined> {
  const text = await readPasswordPolicy(unit, namespaceId, name);
  return text === undefined ? undefined : parsePasswordPolicy(text);
}

/** Stores a text that was checked. */
export function writePasswordPolicy(
  unit: Unit,
  namespaceId: string,
  name: string,
  text: string,
): void {
  const record: PasswordPolicyRecord = { text };
  view(unit, namespaceId).putJson(name, record);
}

export function deletePasswordPolicy(unit: Unit, namespaceId: string, name: string): void {
  view(unit, namespaceId).delete(name);
}

/** All names, sorted. */
export async function listPasswordPolicies(
  unit: Unit,
  namespaceId: string,
): Promise<readonly string[]> {
  return await listTree(view(unit, namespaceId), '');
}
