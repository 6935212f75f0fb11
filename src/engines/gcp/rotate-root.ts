/**
 * `config/rotate-root`: a new key for the account that makes credentials of others, which from then on nobody but the server knows.
 * Google takes a while until all of it knows a new key, so the old one is used until the new one is; then the old one is removed. A
 * key that works is known at every point.
 */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { IntentType, TaskType } from '../../model/outside.ts';
import { configOf, findConfig, putConfig } from './config.ts';
import type { GcpConfig, KeyFile } from './config.ts';
import { GoogleError, asFailure, googleOf } from './google.ts';
import { findKey, idOf, keysOf, makeKey, removeKey, uploadKey } from './keys.ts';
import type { MadeKey, NamedKey } from './keys.ts';
import type { GcpPorts } from './ports.ts';

export const ROTATE_ROOT = 'rotate-root';
/** The task that goes over to the new key; its name is the key’s id. */
export const ADOPT_KEY = 'adopt-key';
/** How long a new key is given to become known. */
const ADOPTION_MS = 60_000;
const CLOCK_SKEW_MS = 300_000;
/** RFC 5280 §4.1.2.5: no end. What ends this key is the next rotation. */
const NEVER_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

export function rotateRootPath(ports: GcpPorts): Path {
  return definePath({
    pattern: 'config/rotate-root',
    fields: {},
    help: {
      synopsis: 'Gives the account that makes credentials a new key.',
      description: 'It is not shown, and the old one is removed a minute later.',
    },
    operations: {
      update: {
        summary: 'Rotate the key',
        outsideEffects: true,
        handler: async ({ nowMs, outside, schedule }, store) => {
          const config = await configOf(store);
          if (config.next !== undefined || config.last !== undefined) {
            throw invalidRequest('the key before this one is not removed yet: try again later');
          }
          const { email, project } = config.credentials;
          const made: MadeKey = await makeKey(ports, email, nowMs - CLOCK_SKEW_MS, NEVER_MS);
          await outside.intend(ROTATE_ROOT, made.named);
          let privateKeyId: string;
          try {
            privateKeyId = idOf(await uploadKey(await googleOf(config, ports, nowMs), made));
          } catch (error) {
            throw asFailure('unable to make a key', error);
          }
          const next: KeyFile = { email, project, privateKeyId, privateKeyPem: made.privateKeyPem };
          putConfig(store, { ...config, next });
          schedule(ADOPT_KEY, privateKeyId, nowMs + ADOPTION_MS);
          return { data: { private_key_id: privateKeyId } };
        },
      },
    },
  });
}

function keyName({ email, privateKeyId }: NonNullable<GcpConfig['last']>): string {
  return `${keysOf(email).slice('/v1/'.length)}/${privateKeyId}`;
}

/** A request that did not come to its end may have left a key that nobody has. */
export function rotateRootIntent(ports: GcpPorts): IntentType {
  return {
    async settle({ data, nowMs }, store) {
      const config = await findConfig(store);
      if (config === undefined) return;
      try {
        const call = await googleOf(config, ports, nowMs);
        const name = await findKey(call, data as NamedKey);
        if (name === undefined) return;
        const used = [config.credentials.privateKeyId, config.next?.privateKeyId];
        if (!used.includes(idOf(name))) await removeKey(call, name);
      } catch (error) {
        throw asFailure('unable to remove a key', error);
      }
    },
  };
}

export function adoptKeyTask(ports: GcpPorts): TaskType {
  return {
    async run({ name, nowMs, record }, store) {
      const config = await findConfig(store);
      if (config === undefined) return 'done';
      const { credentials, next, last } = config;
      const audited = await record('config/rotate-root');
      try {
        if (next?.privateKeyId === name) {
          const { email, privateKeyId } = credentials;
          const adopted: GcpConfig = {
            ...config,
            credentials: next,
            next: undefined,
            last: { email, privateKeyId },
          };
          // Tried before it is relied on.
          await googleOf(adopted, ports, nowMs);
          putConfig(store, adopted);
          return 'again';
        }
        if (credentials.privateKeyId !== name || last === undefined) return 'done';
        await removeKey(await googleOf(config, ports, nowMs), keyName(last));
        putConfig(store, { ...config, last: undefined });
        return 'done';
      } catch (error) {
        if (error instanceof GoogleError) audited.failed(error.message);
        throw asFailure('unable to go over to a new key', error);
      }
    },
  };
}
