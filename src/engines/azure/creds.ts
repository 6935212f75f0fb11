/** `creds`: a password of an application, or a service principal, for a lease. */
import { uuid } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Reply, Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import type { AzurePorts } from './azure.ts';
import { configOf, resourceOf } from './config.ts';
import { asFailure, microsoftOf } from './microsoft.ts';
import { PASSWORD, addPassword } from './passwords.ts';
import type { Credentials, LentPassword } from './passwords.ts';
import { PRINCIPAL, makePrincipal, planPrincipal } from './principals.ts';
import type { LentPrincipal } from './principals.ts';
import { NAME, lifeOf, roleOf } from './roles.ts';

const DAY_MS = 86_400_000;

async function lend(
  { fields, nowMs, mount, outside }: Request<{ readonly name: string }>,
  store: Transaction,
  ports: AzurePorts,
): Promise<Reply> {
  const role = await roleOf(store, fields.name);
  const config = await configOf(store);
  const call = microsoftOf(config, ports);
  const life = lifeOf(role, mount);
  // Renewals must not outlive it.
  const endsMs = nowMs + life.maxTtlSeconds * 1000 + DAY_MS;
  const application = role.applicationObjectId;
  let made: Credentials;
  let internal: LentPassword | LentPrincipal;
  try {
    if (application === '') {
      const lent = await planPrincipal(call, ports, fields.name, role);
      await outside.lend(PRINCIPAL, lent);
      made = await makePrincipal(call, lent, { role, endsMs, graph: resourceOf(config, 'graph') });
      internal = lent;
    } else {
      const name = `strongroom-${uuid(ports.random)}`;
      const lent = { role: fields.name, application, name };
      await outside.lend(PASSWORD, lent);
      made = await addPassword(call, lent, endsMs);
      internal = lent;
    }
  } catch (error) {
    throw asFailure('unable to make credentials', error);
  }
  return {
    data: { client_id: made.clientId, client_secret: made.clientSecret },
    lease: {
      ...life,
      renewable: true,
      secretType: application === '' ? PRINCIPAL : PASSWORD,
      internal,
    },
  };
}

export function credsPath(ports: AzurePorts): Path {
  return definePath({
    pattern: 'creds/{name}',
    fields: { name: NAME },
    help: {
      synopsis: 'Makes credentials of a role.',
      description: 'They are removed when their lease ends, and are shown this once.',
    },
    operations: {
      read: {
        summary: 'Make credentials',
        outsideEffects: true,
        handler: (request, store) => lend(request, store, ports),
      },
    },
  });
}
