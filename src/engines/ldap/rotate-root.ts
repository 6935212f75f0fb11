/** `rotate-root`: a new password for the managing account, which from then on nobody but the server knows. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { ACT_MS_MAX } from '../../model/outside.ts';
import type { IntentType } from '../../model/outside.ts';
import { configOf, findConfig, putConfig } from './config.ts';
import { accepts, setOwnPassword, telling } from './directory.ts';
import type { LdapPorts } from './ports.ts';

export const ROTATE_ROOT = 'rotate-root';

export function rotateRootPath({ password: make }: LdapPorts): Path {
  return definePath({
    pattern: 'rotate-root',
    fields: {},
    help: {
      synopsis: 'Gives the managing account a new password.',
      description: 'It is not shown: use an account that nobody but this server needs.',
    },
    operations: {
      update: {
        summary: 'Rotate the password of the managing account',
        outsideEffects: true,
        handler: async ({ namespace, nowMs, outside }, store) => {
          const config = await configOf(store);
          if (config.bindpass === '') throw invalidRequest('no password is configured');
          const password = await make(namespace.id, config.passwordPolicy);
          await outside.intend(
            ROTATE_ROOT,
            { binddn: config.binddn, password, atMs: nowMs },
            ROTATE_ROOT,
          );
          await telling('error updating password', () => setOwnPassword(config, password));
          putConfig(store, { ...config, bindpass: password, bindRotatedMs: nowMs });
          return undefined;
        },
      },
    },
  });
}

/** Looks which of the two passwords the directory takes, and keeps that one. */
export function rotateRootIntent(): IntentType {
  return {
    async settle({ data, openedMs, nowMs }, store) {
      const config = await findConfig(store);
      const { binddn, password, atMs } = data;
      if (typeof password !== 'string' || typeof atMs !== 'number') return;
      if (config === undefined || config.binddn !== binddn || config.bindpass === password) return;
      if (await accepts(config, 'self', password)) {
        putConfig(store, { ...config, bindpass: password, bindRotatedMs: atMs });
        return;
      }
      // An answer that was slow to come may still come about.
      if (nowMs - openedMs < ACT_MS_MAX) {
        throw new RequestError('upstream_failed', 'the change may still come about');
      }
    },
  };
}
