/** Issuers and contacts: roles of the bound PKI mount that are offered under their own names, and whom to reach. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { RequestError } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { seconds } from '../objects/vault-rules.ts';
import { AzureError, badParameter, jsonReply } from '../wire/errors.ts';

/** What an issuer here is called; `Test` is Azure's own name for one that is no company. */
const PROVIDERS: readonly string[] = ['Strongroom', 'Test'];

/** The details of an issuer as they are kept, each as one text. */
const ACCOUNT = 'account_id';
const ORGANISATION = 'org_details';

function notFound(message: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof RequestError && error.code === 'not_found' && error.reason !== 'unbound') {
      throw new AzureError(404, 'CertificateIssuerNotFound', message);
    }
    throw error;
  };
}

function textOf(value: JsonValue | undefined, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badParameter(`The property ${name} is not a text.`);
  return value;
}

function providerOf(body: JsonObject): string | undefined {
  const sent = textOf(body['provider'], 'provider');
  if (sent === undefined) return undefined;
  const known = PROVIDERS.find((each) => each.toLowerCase() === sent.toLowerCase());
  if (known === undefined) {
    throw badParameter(
      `The provider is not supported: issuers are roles of the bound PKI mount (${PROVIDERS.join(', ')}).`,
    );
  }
  return known;
}

/** @param before details that hold where nothing was sent. */
function detailsOf(body: JsonObject, before: Readonly<Record<string, string>>): JsonObject {
  const credentials = body['credentials'] ?? null;
  const organisation = body['org_details'] ?? null;
  if (credentials !== null && !isJsonObject(credentials)) {
    throw badParameter('The property credentials is not an object.');
  }
  const account = textOf(credentials?.['account_id'], 'account_id');
  return {
    ...before,
    ...(account === undefined ? {} : { [ACCOUNT]: account }),
    ...(organisation === null ? {} : { [ORGANISATION]: JSON.stringify(organisation) }),
  };
}

function enabledOf(body: JsonObject): boolean | undefined {
  const attributes = body['attributes'] ?? null;
  const enabled = isJsonObject(attributes) ? (attributes['enabled'] ?? null) : null;
  if (enabled !== null && typeof enabled !== 'boolean') {
    throw badParameter('The attribute enabled is not a boolean.');
  }
  return enabled ?? undefined;
}

function pathOf(name: string): string {
  return `offered-roles/${name}`;
}

function shownIssuer(
  base: string,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { role, provider, enabled, created_ms: created, updated_ms: updated } = data;
  const details = data['details'] as Readonly<Record<string, string>>;
  const { [ACCOUNT]: account, [ORGANISATION]: organisation } = details;
  return {
    id: `${base}/certificates/issuers/${String(role)}`,
    provider,
    ...(account === undefined ? {} : { credentials: { account_id: account } }),
    ...(organisation === undefined ? {} : { org_details: JSON.parse(organisation) as JsonObject }),
    attributes: {
      enabled,
      created: seconds(Number(created)),
      updated: seconds(Number(updated)),
    },
  };
}

async function askIssuer({ operation, ask }: Asking): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ask({
    operation: 'read',
    part: 'certificates',
    path: pathOf(operation.name),
  }).catch(notFound(`Issuer not found: ${operation.name}`));
  return dataOf(answer);
}

export async function getIssuer(asking: Asking): Promise<WireReply> {
  return jsonReply(shownIssuer(asking.base, await askIssuer(asking)));
}

async function put(asking: Asking, before: Readonly<Record<string, string>>): Promise<WireReply> {
  const { operation, readJson, ask } = asking;
  const body = await readJson();
  const [provider, enabled] = [providerOf(body), enabledOf(body)];
  const written = {
    ...(provider === undefined ? {} : { provider }),
    ...(enabled === undefined ? {} : { enabled }),
    details: detailsOf(body, before),
  };
  await ask({
    operation: 'write',
    part: 'certificates',
    path: pathOf(operation.name),
    body: () => Promise.resolve(written),
  });
  return await getIssuer(asking);
}

export async function setIssuer(asking: Asking): Promise<WireReply> {
  const { provider } = await asking.readJson();
  if (typeof provider !== 'string') throw badParameter('The property provider is missing.');
  return await put(asking, {});
}

export async function updateIssuer(asking: Asking): Promise<WireReply> {
  const { details } = await askIssuer(asking);
  return await put(asking, details as Readonly<Record<string, string>>);
}

export async function deleteIssuer(asking: Asking): Promise<WireReply> {
  const before = await getIssuer(asking);
  await asking.ask({
    operation: 'delete',
    part: 'certificates',
    path: pathOf(asking.operation.name),
  });
  return before;
}

export async function listIssuers({ base, ask }: Asking): Promise<WireReply> {
  const names = await ask({ operation: 'list', part: 'certificates', path: 'offered-roles/' }).then(
    (answer) => dataOf(answer)['keys'] as readonly string[],
    (error: unknown): readonly string[] => {
      const isEmpty =
        error instanceof RequestError && error.code === 'not_found' && error.reason !== 'unbound';
      if (isEmpty) return [];
      throw error;
    },
  );
  const value = names.map((name) => ({
    id: `${base}/certificates/issuers/${name}`,
    provider: PROVIDERS[0],
  }));
  return jsonReply({ value, nextLink: null });
}

const CONTACTS = 'config/contacts';

function shownContacts(base: string, contacts: unknown): Record<string, unknown> {
  const list = (contacts as readonly Readonly<Record<string, string>>[]).map((contact) =>
    Object.fromEntries(Object.entries(contact).filter(([, value]) => value !== '')),
  );
  return { id: `${base}/certificates/contacts`, contacts: list };
}

export async function getContacts({ base, ask }: Asking): Promise<WireReply> {
  const answer = await ask({ operation: 'read', part: 'certificates', path: CONTACTS }).catch(
    (error: unknown) => {
      if (error instanceof RequestError && error.code === 'not_found') {
        throw new AzureError(404, 'ContactsNotFound', 'Contacts not found.');
      }
      throw error;
    },
  );
  return jsonReply(shownContacts(base, dataOf(answer)['contacts']));
}

export async function setContacts({ base, readJson, ask }: Asking): Promise<WireReply> {
  const { contacts } = await readJson();
  if (!Array.isArray(contacts)) throw badParameter('The property contacts is not a list.');
  const list = contacts.map((one) => {
    if (!isJsonObject(one)) throw badParameter('The property contacts holds what is no contact.');
    return {
      email: textOf(one['email'], 'email') ?? '',
      name: textOf(one['name'], 'name') ?? '',
      phone: textOf(one['phone'], 'phone') ?? '',
    };
  });
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: CONTACTS,
    body: () => Promise.resolve({ contacts: list }),
  });
  return jsonReply(shownContacts(base, dataOf(answer)['contacts']));
}

export async function deleteContacts(asking: Asking): Promise<WireReply> {
  const before = await getContacts(asking);
  await asking.ask({ operation: 'delete', part: 'certificates', path: CONTACTS });
  return before;
}
