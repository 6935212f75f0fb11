/** `creds`: an account of the directory that lives as long as its lease. */
import type { JsonObject } from '../../base/json.ts';
import { TemplateError } from '../../base/template/template.ts';
import type { TemplateData } from '../../base/template/template.ts';
import { parseLdif } from '../../ldap/ldif.ts';
import { definePath } from '../../model/backend.ts';
import type { Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { configOf } from './config.ts';
import { applyChanges, asFailure, telling, undoChanges } from './directory.ts';
import {
  DEFAULT_USERNAME_TEMPLATE,
  DYNAMIC_ROLE_NAME,
  LDIF_FIELDS,
  USERNAME_FIELDS,
  filledLdif,
  findDynamicRole,
} from './dynamic-roles.ts';
import type { DynamicRole } from './dynamic-roles.ts';
import type { LdapPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const CREDS = 'creds';

/** What a caller is called is partly the caller's choice: no character of it may mean anything in LDIF or in a name. */
const HARMLESS = /[^\w.@:-]/g;
const USERNAME = /^[\w.@: -]{1,256}$/;

/** What renewal and revocation know, stored with the lease: no password. */
interface Lent extends JsonObject {
  readonly role: string;
  /** LDIF that removes the account, filled in. */
  readonly deletion: string;
}

async function lend(
  request: Request<{ readonly name: string }>,
  store: Transaction,
  ports: LdapPorts,
): Promise<Reply | undefined> {
  const { fields, nowMs, principal, namespace, mount, outside } = request;
  const role = await findDynamicRole(store, fields.name);
  if (role === undefined) return undefined;
  const config = await configOf(store);
  const context = { random: ports.random, nowMs };
  const displayName = (principal?.displayName ?? '').replace(HARMLESS, '-');
  const username = usernameOf(role, { DisplayName: displayName, RoleName: fields.name }, context);
  const password = await ports.password(namespace.id, config.passwordPolicy);
  const ttlSeconds = role.defaultTtlSeconds || mount.defaultLeaseTtlSeconds;
  const expiresMs = nowMs + ttlSeconds * 1000;
  const data: TemplateData = {
    Username: username,
    DisplayName: displayName,
    RoleName: fields.name,
    IssueTime: rfc3339(nowMs),
    IssueTimeSeconds: Math.floor(nowMs / 1000),
    ExpirationTime: rfc3339(expiresMs),
    ExpirationTimeSeconds: Math.floor(expiresMs / 1000),
    Password: '',
  };
  const creation = filledLdif(role.creationLdif, { ...data, Password: password }, context);
  filledLdif(role.deletionLdif, data, context);
  const deletion = compileNameTemplate(role.deletionLdif, LDIF_FIELDS).name(data, context);
  const internal: Lent = { role: fields.name, deletion };
  const intent = await outside.lend(CREDS, internal);
  const { count, error } = await telling('failed to create user', () =>
    applyChanges(config, creation),
  );
  if (error !== undefined) {
    // Refused before anything was made; else the intent stays open, and the deletion runs.
    if (count === 0 && error.resultCode !== undefined) intent.withdraw();
    else if (role.rollbackLdif !== '') {
      const rollback = filledLdif(role.rollbackLdif, data, context);
      await undoChanges(config, rollback).catch(() => {});
    }
    throw asFailure('failed to create user', error);
  }
  return {
    data: { username, password, distinguished_names: creation.map(({ dn }) => dn) },
    lease: {
      ttlSeconds: role.defaultTtlSeconds,
      maxTtlSeconds: role.maxTtlSeconds,
      renewable: true,
      secretType: CREDS,
      internal,
    },
  };
}

function usernameOf(
  { usernameTemplate }: DynamicRole,
  data: TemplateData,
  context: { readonly random: LdapPorts['random']; readonly nowMs: number },
): string {
  const template = usernameTemplate === '' ? DEFAULT_USERNAME_TEMPLATE : usernameTemplate;
  let username: string;
  try {
    username = compileNameTemplate(template, USERNAME_FIELDS).name(data, context);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`failed to generate username: ${error.message}`);
  }
  if (!USERNAME.test(username)) {
    throw invalidRequest('failed to generate username: it has characters that names may not have');
  }
  return username;
}

/** Whole seconds, as Go's layout RFC3339 has them. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function credsPath(ports: LdapPorts): Path {
  return definePath({
    pattern: 'creds/{name}',
    fields: { name: DYNAMIC_ROLE_NAME },
    help: {
      synopsis: 'Makes an account and lends it.',
      description: 'It is removed when its lease ends, and its password is shown this once.',
    },
    operations: {
      read: {
        summary: 'Make an account',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
    },
  });
}

export function credsSecret(): SecretType {
  return {
    async renew({ internal }, store) {
      const role = await findDynamicRole(store, (internal as Lent).role);
      if (role === undefined) throw invalidRequest('unable to renew: role does not exist');
      return { ttlSeconds: role.defaultTtlSeconds, maxTtlSeconds: role.maxTtlSeconds };
    },
    async revoke({ internal }, store) {
      const config = await configOf(store);
      const changes = parseLdif((internal as Lent).deletion);
      await telling('failed to remove user', () => undoChanges(config, changes));
    },
  };
}
