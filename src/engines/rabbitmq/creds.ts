/** `creds`: makes a user by a role and lends it; the user goes with the lease. */
import type { JsonObject } from '../../base/json.ts';
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Intent } from '../../model/outside.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { connectionOf, DEFAULT_USERNAME_TEMPLATE, leaseOf, USERNAME_FIELDS } from './config.ts';
import type { ConnectionRecord } from './config.ts';
import { asFailure, Management, ManagementError } from './management.ts';
import { NAME, roleOf } from './roles.ts';
import type { Role } from './roles.ts';
import type { RabbitmqPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const CREDS = 'creds';

/** What a caller is called is the caller's choice in part: nothing of it may mean anything to the broker. */
const HARMLESS = /[^\w.@:+-]/g;
/** Longest name that RabbitMQ takes, in bytes. */
const USERNAME_LENGTH_MAX = 255;

/** What revocation knows, stored with the lease. */
interface Lent extends JsonObject {
  readonly username: string;
}

function newUsername(
  { random }: RabbitmqPorts,
  { usernameTemplate }: ConnectionRecord,
  { principal, fields, nowMs }: Request<{ readonly name: string }>,
): string {
  const template = usernameTemplate === '' ? DEFAULT_USERNAME_TEMPLATE : usernameTemplate;
  const displayName = (principal?.displayName ?? '').replace(HARMLESS, '-');
  const data = { DisplayName: displayName, RoleName: fields.name };
  try {
    const username = compileNameTemplate(template, USERNAME_FIELDS).name(data, { random, nowMs });
    if (username !== '' && Buffer.byteLength(username) <= USERNAME_LENGTH_MAX) return username;
    throw new TemplateError('the name is empty or too long');
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`failed to generate username: ${error.message}`);
  }
}

async function permit(broker: Management, username: string, role: Role): Promise<void> {
  for (const [vhost, permission] of Object.entries(role.vhosts)) {
    await broker.putPermission(username, vhost, permission);
  }
  for (const [vhost, exchanges] of Object.entries(role.vhostTopics)) {
    for (const [exchange, permission] of Object.entries(exchanges)) {
      await broker.putTopicPermission(username, vhost, exchange, permission);
    }
  }
}

interface User {
  readonly username: string;
  readonly password: string;
  readonly role: Role;
}

/** The user comes first: it may do nothing until the permissions follow. @throws {ManagementError} */
async function makeUser(
  broker: Management,
  { username, password, role }: User,
  intent: Intent,
): Promise<void> {
  try {
    await broker.putUser(username, password, role.tags);
  } catch (error) {
    if (error instanceof ManagementError && error.refused) intent.withdraw();
    throw error;
  }
  try {
    await permit(broker, username, role);
  } catch (error) {
    // Taken back at once where that is possible; else by the revocation of what was intended.
    await broker.deleteUser(username).then(
      () => intent.withdraw(),
      () => {},
    );
    throw error;
  }
}

async function lend(
  request: Request<{ readonly name: string }>,
  store: Transaction,
  ports: RabbitmqPorts,
): Promise<Reply> {
  const { fields, namespace, outside } = request;
  const role = await roleOf(store, fields.name);
  const connection = await connectionOf(store);
  const username = newUsername(ports, connection, request);
  const password = await ports.password(namespace.id, connection.passwordPolicy);
  const broker = new Management(connection, ports.send);
  const internal: Lent = { username };
  try {
    // A template without anything random could name an account that is somebody's.
    if (await broker.hasUser(username)) throw invalidRequest('there is a user of that name');
    const intent = await outside.lend(CREDS, internal);
    await makeUser(broker, { username, password, role }, intent);
  } catch (error) {
    throw asFailure('failed to create a user with the permissions of the role', error);
  }
  const { ttlSeconds, maxTtlSeconds } = await leaseOf(store);
  return {
    data: { username, password },
    lease: { ttlSeconds, maxTtlSeconds, renewable: true, secretType: CREDS, internal },
  };
}

export function credsPath(ports: RabbitmqPorts): Path {
  return definePath({
    pattern: 'creds/{name}',
    fields: { name: NAME },
    help: {
      synopsis: 'Makes a user and lends it.',
      description: 'It is removed when its lease ends, and its password is shown this once.',
    },
    operations: {
      read: {
        summary: 'Make a user',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
    },
  });
}

export function credsSecret(ports: RabbitmqPorts): SecretType {
  return {
    async renew(_lease, store) {
      return await leaseOf(store);
    },
    async revoke({ internal }, store) {
      const { username } = internal as Lent;
      try {
        await new Management(await connectionOf(store), ports.send).deleteUser(username);
      } catch (error) {
        throw asFailure('could not delete the user', error);
      }
    },
  };
}
