/** A secret that only its readers know of: new random texts, and nobody to tell. */
import type { JsonObject } from '../../base/json.ts';
import { SettingsError } from '../../targets/database.ts';
import { listSetting } from '../settings.ts';
import type { Rotator } from '../rotator.ts';

const DEFAULT_FIELDS = ['password'];
const FIELDS_MAX = 32;

function fieldsOf(settings: JsonObject): readonly string[] {
  const fields = listSetting(settings, 'fields', DEFAULT_FIELDS);
  if (fields.length > FIELDS_MAX) throw new SettingsError(`at most ${FIELDS_MAX} fields`);
  return fields;
}

export const randomRotator: Rotator = {
  type: 'random',
  summary: 'New random texts, by a password policy.',
  settings: [
    { name: 'fields', description: 'Names of the fields that are renewed; "password" by default.' },
  ],
  keepsPrevious: () => true,
  open(settings) {
    const fields = fieldsOf(settings);
    return {
      async create({ password }) {
        const made: Record<string, string> = {};
        for (const field of fields) made[field] = await password();
        return made;
      },
      install: async () => {},
      verify: async () => {},
      retire: async () => {},
      rollback: async () => {},
      rehearse: async () => [`renews ${fields.length} field(s) of the secret; nobody else is told`],
    };
  },
};
