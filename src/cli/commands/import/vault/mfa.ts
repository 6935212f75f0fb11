/** Second factors: methods, and where they are demanded. What people have enrolled is never shown, so they enrol again. */
import type { JsonObject } from '../../../../client/json.ts';
import { guarded, namesOf, readMaybe, settle, settleAt } from './place.ts';
import type { Place } from './place.ts';
import { textOf } from './mounts.ts';
import { accessorsHere, idsHere, only, texts } from './own-ids.ts';

const SECTION = 'mfa';
const TOTP = 'identity/mfa/method/totp';
const TOTP_FIELDS = [
  'issuer',
  'period',
  'key_size',
  'qr_size',
  'algorithm',
  'digits',
  'skew',
  'max_validation_attempts',
];
/** Their settings hold secrets of the service, which are never shown. */
const OF_SERVICES = ['duo', 'okta', 'pingid'] as const;
const ENFORCEMENTS = 'identity/mfa/login-enforcement';

export async function carryMfa(place: Place): Promise<void> {
  const ids = new Map<string, string>();
  for (const id of await namesOf(place, SECTION, TOTP)) await carryTotp(place, id, ids);
  for (const type of OF_SERVICES) {
    for (const id of await namesOf(place, SECTION, `identity/mfa/method/${type}`)) {
      place.ledger.lost(
        `${place.namespace}mfa method ${type} ${id}`,
        'its secrets are never shown: make it anew, and name it where it is demanded',
      );
    }
  }
  for (const name of await namesOf(place, SECTION, ENFORCEMENTS)) {
    await carryEnforcement(place, name, ids);
  }
}

/** Methods have ids of each server's own, and names only if somebody gave them one. */
async function carryTotp(place: Place, id: string, ids: Map<string, string>): Promise<void> {
  await guarded(place, SECTION, `${TOTP}/${id}`, async () => {
    const data = (await place.source.read(`${TOTP}/${id}`)) ?? {};
    const name = textOf(data['name']) || `imported-${id}`;
    const wanted = { ...only(data, TOTP_FIELDS), method_name: name };
    const shown = { ...only(data, TOTP_FIELDS), name };
    const find = async (): Promise<JsonObject | undefined> => {
      const list = (await place.target.list(TOTP))?.data;
      for (const key of texts(list?.['keys'])) {
        const here = await readMaybe(place, `${TOTP}/${key}`);
        if (textOf(here?.['name']) === name) return here;
      }
      return undefined;
    };
    const carried = await settle(place, {
      section: SECTION,
      name: `totp method ${name}`,
      wanted: shown,
      read: find,
      write: async () => {
        const here = textOf((await find())?.['id']);
        await place.target.post(here === '' ? TOTP : `${TOTP}/${here}`, wanted);
      },
    });
    const own = textOf((await find())?.['id']) || (place.ledger.dryRun ? `new ${name}` : '');
    if (own !== '') ids.set(id, own);
    if (carried === 'create') {
      place.ledger.lost(`${place.namespace}totp method ${name}`, 'what people have enrolled');
    }
  });
}

async function carryEnforcement(
  place: Place,
  name: string,
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const path = `${ENFORCEMENTS}/${name}`;
  const label = `mfa enforcement ${name}`;
  await guarded(place, SECTION, path, async () => {
    const data = (await place.source.read(path)) ?? {};
    const methods = texts(data['mfa_method_ids']);
    const missing = methods.filter((id) => !ids.has(id));
    if (missing.length > 0) {
      // Without one of its methods it would demand less.
      place.ledger.lost(
        place.namespace + label,
        `its method ${missing.join(', ')} is not here: make it by hand`,
      );
      return;
    }
    const wanted = {
      mfa_method_ids: methods.map((id) => ids.get(id) ?? ''),
      auth_method_types: texts(data['auth_method_types']),
      auth_method_accessors: await accessorsHere(place, label, data['auth_method_accessors']),
      identity_group_ids: await idsHere(place, label, 'group', data['identity_group_ids']),
      identity_entity_ids: await idsHere(place, label, 'entity', data['identity_entity_ids']),
    };
    await settleAt(place, path, {
      section: SECTION,
      name: path,
      wanted,
    });
  });
}
