/**
 * What is registered beside the kept certificates: the roles that facades may offer as issuers, and whom to reach about
 * certificates.
 */
import { isJsonObject } from '../../../base/json.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import { listPath } from '../../../model/listing/list-path.ts';
import type { Reader } from '../../../model/transaction.ts';
import { findRole } from '../roles/role.ts';

const OFFERED = 'offered-role/';
const CONTACTS = 'contacts';
const CONTACTS_MAX = 50;
const TEXT_LENGTH_MAX = 256;
const DETAILS_MAX = 20;

export interface OfferedRole {
  readonly provider: string;
  readonly enabled: boolean;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** What callers want to know of whom they deal with. Nothing of it is asked of anybody. */
  readonly details: Readonly<Record<string, string>>;
}

export async function offeredRole(store: Reader, name: string): Promise<OfferedRole | undefined> {
  return await store.getRecord<OfferedRole>(OFFERED + name);
}

interface Contact {
  readonly email: string;
  readonly name: string;
  readonly phone: string;
}

/** Objects, or JSON text of them as command lines send it. */
function objectsOf(list: readonly unknown[]): readonly unknown[] {
  return list.flatMap((one) => {
    if (typeof one !== 'string') return [one];
    try {
      const value: unknown = JSON.parse(one);
      return Array.isArray(value) ? (value as unknown[]) : [value];
    } catch {
      return [one];
    }
  });
}

function contactsOf(sent: readonly unknown[]): Contact[] {
  const list = objectsOf(sent);
  if (list.length > CONTACTS_MAX) throw invalidRequest('too many contacts');
  return list.map((one) => {
    if (!isJsonObject(one)) throw invalidRequest('a contact is an object');
    const text = (member: string): string => {
      const value = one[member] ?? '';
      if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) {
        throw invalidRequest(`${member} of a contact is not a text`);
      }
      return value;
    };
    const contact = { email: text('email'), name: text('name'), phone: text('phone') };
    if (contact.email === '') throw invalidRequest('a contact has an email');
    return contact;
  });
}

function detailsOf(details: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(details);
  if (
    entries.length > DETAILS_MAX ||
    entries.some(([name, value]) => name.length + value.length > TEXT_LENGTH_MAX)
  ) {
    throw invalidRequest('details are too long');
  }
  return details;
}

const ROLE = { kind: 'string', description: 'Name of a role of this mount.', default: '' } as const;

export function registrationPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'config/contacts',
      fields: {
        contacts: {
          kind: 'list',
          description: 'Whom to reach about certificates: objects with email, name and phone.',
        },
      },
      help: { synopsis: 'Whom to reach about certificates of this mount.' },
      operations: {
        read: {
          summary: 'Show the contacts',
          async handler(_request, store) {
            const contacts = await store.getJson<readonly Contact[]>(CONTACTS);
            if (contacts === undefined) throw notFound();
            return { data: { contacts } };
          },
        },
        update: {
          summary: 'Set the contacts',
          handler({ fields }, store) {
            const contacts = contactsOf(fields.contacts ?? []);
            store.putJson(CONTACTS, contacts);
            return { data: { contacts } };
          },
        },
        delete: {
          summary: 'Remove the contacts',
          handler(_request, store) {
            store.delete(CONTACTS);
            return undefined;
          },
        },
      },
    }),
    listPath('offered-roles', OFFERED, 'the roles that other APIs offer as issuers'),
    definePath({
      pattern: 'offered-roles/{role}',
      fields: {
        role: ROLE,
        provider: { kind: 'string', description: 'What the issuer is called there.' },
        enabled: { kind: 'bool', description: 'Whether certificates may be asked for.' },
        details: { kind: 'string_map', description: 'What callers keep about the issuer.' },
      },
      help: { synopsis: 'Offers a role as an issuer to other APIs: Azure’s certificates.' },
      operations: {
        read: {
          summary: 'Show an offered role',
          async handler({ fields }, store) {
            const offered = await offeredRole(store, fields.role);
            if (offered === undefined) throw notFound();
            const { provider, enabled, createdMs, updatedMs, details } = offered;
            const times = { created_ms: createdMs, updated_ms: updatedMs };
            return { data: { role: fields.role, provider, enabled, details, ...times } };
          },
        },
        update: {
          summary: 'Offer a role',
          async handler({ fields, nowMs }, store) {
            const { role, provider, enabled, details } = fields;
            if ((await findRole(store, role)) === undefined) {
              throw invalidRequest(`there is no role ${role} on the bound PKI mount`);
            }
            const before = await offeredRole(store, role);
            const offered: OfferedRole = {
              provider: provider ?? before?.provider ?? 'Strongroom',
              enabled: enabled ?? before?.enabled ?? true,
              createdMs: before?.createdMs ?? nowMs,
              updatedMs: nowMs,
              details: details === undefined ? (before?.details ?? {}) : detailsOf(details),
            };
            store.putJson(OFFERED + role, offered);
            return undefined;
          },
        },
        delete: {
          summary: 'Offer a role no longer',
          handler({ fields }, store) {
            store.delete(OFFERED + fields.role);
            return undefined;
          },
        },
      },
    }),
  ];
}
