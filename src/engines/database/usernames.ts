/** Names of accounts: who asked and by which role, by the template of the connection. */
import { TemplateError } from '../../base/template/template.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { DatabaseMember } from '../../targets/database.ts';
import type { ConnectionRecord } from './connection.ts';
import type { DatabasePorts } from './ports.ts';

export const USERNAME_FIELDS: readonly string[] = ['DisplayName', 'RoleName'];

/**
 * What a caller is called is the caller's choice in part (an alias, a claim): no character of it may mean anything to a
 * database.
 */
const HARMLESS = /[^\w.@:+-]/g;

export interface Asker {
  readonly displayName: string;
  readonly role: string;
  readonly nowMs: number;
}

/** @throws {RequestError} */
export function newUsername(
  { random }: DatabasePorts,
  member: DatabaseMember,
  { details }: Pick<ConnectionRecord, 'details'>,
  { displayName, role, nowMs }: Asker,
): string {
  const own = details['username_template'];
  const template = typeof own === 'string' && own !== '' ? own : member.defaultUsernameTemplate;
  const fields = { DisplayName: displayName.replace(HARMLESS, '-'), RoleName: role };
  try {
    const username = compileNameTemplate(template, USERNAME_FIELDS).name(fields, { random, nowMs });
    if (username === '') throw new TemplateError('the name is empty');
    return username;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`username_template: ${error.message}`);
  }
}
