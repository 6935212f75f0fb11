/** The OpenID provider: keys (made anew), scopes, assignments, clients, providers, and roles of identity tokens. */
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { guarded, namesOf, readMaybe, settleAt } from './place.ts';
import type { Place } from './place.ts';
import { textOf } from './mounts.ts';
import { idsHere, only, texts } from './own-ids.ts';

const SECTION = 'oidc';
const EVERY = '*';

interface Kind {
  readonly folder: string;
  readonly fields: readonly string[];
  /** Not these: every server has its own. */
  readonly own?: string;
  /** What is said when one was made. */
  readonly lost?: string;
}

const KEYS: Kind = {
  folder: 'identity/oidc/key',
  fields: ['algorithm', 'rotation_period', 'verification_ttl'],
  lost: 'the key itself is a new one here: what it has signed is no longer verified',
};
const SCOPES: Kind = { folder: 'identity/oidc/scope', fields: ['template', 'description'] };
const ASSIGNMENTS: Kind = { folder: 'identity/oidc/assignment', fields: [], own: 'allow_all' };
const CLIENTS: Kind = {
  folder: 'identity/oidc/client',
  fields: [
    'key',
    'redirect_uris',
    'assignments',
    'client_type',
    'id_token_ttl',
    'access_token_ttl',
  ],
  lost: 'client id and secret are new ones here: give them to the application',
};
const ROLES: Kind = {
  folder: 'identity/oidc/role',
  fields: ['key', 'template', 'ttl', 'client_id'],
};
const PROVIDERS: Kind = { folder: 'identity/oidc/provider', fields: ['scopes_supported'] };

export async function carryOidc(place: Place): Promise<void> {
  /** Ids of clients there, and here. */
  const clients = new Map<string, string>();
  const allowed = new Map<string, JsonValue>();
  await carryKind(place, KEYS, async (name, data) => {
    allowed.set(name, data['allowed_client_ids'] ?? []);
    return texts(data['allowed_client_ids']).includes(EVERY) ? { allowed_client_ids: [EVERY] } : {};
  });
  await carryKind(place, SCOPES);
  await carryKind(place, ASSIGNMENTS, async (name, data) => {
    const label = `${ASSIGNMENTS.folder}/${name}`;
    return {
      entity_ids: await idsHere(place, label, 'entity', data['entity_ids']),
      group_ids: await idsHere(place, label, 'group', data['group_ids']),
    };
  });
  await carryKind(place, CLIENTS, undefined, async (path, data) => {
    const here = textOf((await readMaybe(place, path))?.['client_id']);
    if (here !== '') clients.set(textOf(data['client_id']), here);
  });
  await carryKind(place, ROLES);
  const idsOf = (ids: JsonValue | undefined): string[] =>
    texts(ids).map((id) => clients.get(id) ?? id);
  await carryKind(place, PROVIDERS, async (_name, data) => ({
    allowed_client_ids: idsOf(data['allowed_client_ids']),
  }));
  for (const [name, ids] of allowed) await allow(place, name, idsOf(ids));
}

/** Which clients a key serves can be said only when they are there. */
async function allow(place: Place, name: string, ids: readonly string[]): Promise<void> {
  if (place.ledger.dryRun || ids.length === 0 || ids.includes(EVERY)) return;
  const path = `${KEYS.folder}/${name}`;
  await guarded(place, SECTION, path, async () => {
    const here = await readMaybe(place, path);
    const known = texts(here?.['allowed_client_ids']);
    if (here === undefined || ids.every((id) => known.includes(id))) return;
    await place.target.post(path, {
      ...only(here, KEYS.fields),
      allowed_client_ids: [...new Set([...known, ...ids])],
    });
  });
}

async function carryKind(
  place: Place,
  kind: Kind,
  more: (name: string, data: JsonObject) => Promise<JsonObject> = async () => ({}),
  carried: (path: string, data: JsonObject) => Promise<void> = async () => {},
): Promise<void> {
  for (const name of await namesOf(place, SECTION, kind.folder)) {
    if (name === kind.own) continue;
    const path = `${kind.folder}/${name}`;
    await guarded(place, SECTION, path, async () => {
      const data = (await place.source.read(path)) ?? {};
      const wanted = { ...only(data, kind.fields), ...(await more(name, data)) };
      const settled = await settleAt(place, path, {
        section: SECTION,
        name: path,
        wanted,
      });
      if (settled === 'create' && kind.lost !== undefined) {
        place.ledger.lost(place.namespace + path, kind.lost);
      }
      if (settled !== 'no') await carried(path, data);
    });
  }
}
