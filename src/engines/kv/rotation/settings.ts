/** Settings of the mount for all rotations in it: `rotation/config`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import { CONCURRENT_DEFAULT, CONCURRENT_MAX } from './ports.ts';

const KEY = 'rotation-config';

interface RotationSettings {
  readonly concurrent: number;
}

export async function concurrentRotations(store: Reader): Promise<number> {
  return (await store.getRecord<RotationSettings>(KEY))?.concurrent ?? CONCURRENT_DEFAULT;
}

export const rotationSettingsPath: Path = definePath({
  pattern: 'rotation/config',
  fields: {
    concurrent: { kind: 'int', description: `Rotations at once, from 1 to ${CONCURRENT_MAX}.` },
  },
  help: { synopsis: 'Settings for all rotations of the mount.' },
  operations: {
    read: {
      summary: 'Read the settings for rotations.',
      handler: async (_request, store) => ({
        data: { concurrent: await concurrentRotations(store) },
      }),
    },
    update: {
      summary: 'Change the settings for rotations.',
      handler: ({ fields }, store) => {
        const { concurrent } = fields;
        if (concurrent === undefined) return undefined;
        if (concurrent < 1 || concurrent > CONCURRENT_MAX) {
          throw invalidRequest(`concurrent must be from 1 to ${CONCURRENT_MAX}`);
        }
        store.putJson(KEY, { concurrent } satisfies RotationSettings);
        return undefined;
      },
    },
  },
});
