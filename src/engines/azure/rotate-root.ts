/**
 * `rotate-root`: a new password for the application that makes others, which from then on nobody but the server knows. Azure
 * takes a while until all of it knows a new password, so the old one is used until the new one is; then the others are removed.
 * A password that works is known at every point.
 */
import { uuid } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { IntentType, TaskType } from '../../model/outside.ts';
import { ROOT_PASSWORD_SECONDS, configOf, findConfig, putConfig } from './config.ts';
import type { AzureConfig } from './config.ts';
import { MicrosoftError, allOf, asFailure, having, microsoftOf, textOf } from './microsoft.ts';
import type { Call } from './microsoft.ts';
import { isLentName, removePasswords } from './passwords.ts';
import type { AzurePorts } from './ports.ts';

export const ROTATE_ROOT = 'rotate-root';
/** The task that goes over to the new password; its name is the password’s. */
export const ADOPT_PASSWORD = 'adopt-password';
/** How long a new password is given to become known. */
const ADOPTION_MS = 60_000;

/** The application of the configuration. @throws {MicrosoftError} */
async function ownApplication(call: Call, { clientId }: AzureConfig): Promise<unknown> {
  const query = having('appId', clientId);
  const found = allOf(await call('graph', 'GET', `/v1.0/applications?${query}`));
  if (found.length !== 1) throw new MicrosoftError('the application of client_id was not found');
  return found[0];
}

export function rotateRootPath(ports: AzurePorts): Path {
  return definePath({
    pattern: ROTATE_ROOT,
    fields: {},
    help: {
      synopsis: 'Gives the application that makes others a new password.',
      description:
        'It is not shown, and all its other passwords are removed a minute later: let the server have an application of its own.',
    },
    operations: {
      update: {
        summary: 'Rotate the password',
        outsideEffects: true,
        handler: async ({ nowMs, outside, schedule }, store) => {
          const config = await configOf(store);
          if (config.next !== undefined) {
            throw invalidRequest('the password before this one is not in use yet: try again later');
          }
          const name = `strongroom-root-${uuid(ports.random)}`;
          const endsMs = nowMs + (config.rootPasswordSeconds ?? ROOT_PASSWORD_SECONDS) * 1000;
          await outside.intend(ROTATE_ROOT, { name });
          let secret: string;
          try {
            const call = microsoftOf(config, ports);
            const id = textOf(await ownApplication(call, config), 'id');
            const endDateTime = new Date(endsMs).toISOString();
            const added = await call('graph', 'POST', `/v1.0/applications/${id}/addPassword`, {
              passwordCredential: { displayName: name, endDateTime },
            });
            secret = textOf(added, 'secretText');
          } catch (error) {
            throw asFailure('unable to make a password', error);
          }
          putConfig(store, { ...config, next: { name, endsMs, secret } });
          schedule(ADOPT_PASSWORD, name, nowMs + ADOPTION_MS);
          return undefined;
        },
      },
    },
  });
}

/** Removes the password with this name, if it is there. @throws {MicrosoftError} */
async function removeNamed(config: AzureConfig, ports: AzurePorts, name: unknown): Promise<void> {
  const call = microsoftOf(config, ports);
  const application = await ownApplication(call, config);
  await removePasswords(call, textOf(application, 'id'), application, (other) => other === name);
}

/** A request that did not come to its end may have made a password that nobody knows. */
export function rotateRootIntent(ports: AzurePorts): IntentType {
  return {
    async settle({ data: { name } }, store) {
      const config = await findConfig(store);
      if (config === undefined || config.next?.name === name || config.made?.name === name) return;
      try {
        await removeNamed(config, ports, name);
      } catch (error) {
        throw asFailure('unable to remove a password', error);
      }
    },
  };
}

export function adoptPasswordTask(ports: AzurePorts): TaskType {
  return {
    async run({ name, record }, store) {
      const config = await findConfig(store);
      if (config === undefined) return 'done';
      const { next } = config;
      const audited = await record(ROTATE_ROOT);
      try {
        if (next?.name === name) {
          const { secret: clientSecret, ...made } = next;
          const adopted: AzureConfig = { ...config, clientSecret, made, next: undefined };
          // Tried before it is relied on.
          await ownApplication(microsoftOf(adopted, ports), adopted);
          putConfig(store, adopted);
          return 'again';
        }
        if (config.made?.name !== name) {
          // Configured anew meanwhile.
          await removeNamed(config, ports, name);
          return 'done';
        }
        const call = microsoftOf(config, ports);
        const application = await ownApplication(call, config);
        const others = (other: unknown): boolean => other !== name && !isLentName(other);
        await removePasswords(call, textOf(application, 'id'), application, others);
        return 'done';
      } catch (error) {
        if (error instanceof MicrosoftError) audited.failed(error.message);
        throw asFailure('unable to go over to a new password', error);
      }
    },
  };
}
