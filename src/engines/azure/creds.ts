/** `creds`: a password of an application, or a service principal, for a lease. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { configOf, resourceOf } from './config.ts';
import { keptApplication } from './kept.ts';
import { asFailure, microsoftOf } from './microsoft.ts';
import { PASSWORD, addPassword, lentName } from './passwords.ts';
import type { Credentials, LentPassword } from './passwords.ts';
import { PRINCIPAL, makePrincipal, planPrincipal } from './principals.ts';
import type { LentPrincipal } from './principals.ts';
import { NAME, lifeOf, roleOf } from './roles.ts';
import type { AzurePorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const DAY_MS = 86_400_000;

async function lend(
  request: Request<{ readonly name: string }>,
  store: Transaction,
  ports: AzurePorts,
): Promise<Reply> {
  const { fields, nowMs, mount, outside } = request;
  const role = await roleOf(store, fields.name);
  const config = await configOf(store);
  const call = microsoftOf(config, ports);
  const life = lifeOf(role, mount);
  // Renewals must not outlive it.
  const endsMs = nowMs + life.maxTtlSeconds * 1000 + DAY_MS;
  const ownPrincipal = role.applicationObjectId === '' && role.persistApp !== true;
  let made: Credentials;
  let internal: LentPassword | LentPrincipal;
  try {
    if (ownPrincipal) {
      const lent = await planPrincipal(call, ports, fields.name, role);
      await outside.lend(PRINCIPAL, lent);
      made = await makePrincipal(call, lent, { role, endsMs, graph: resourceOf(config, 'graph') });
      internal = lent;
    } else {
      const application =
        role.persistApp === true
          ? await keptApplication(request, store, ports, { call, config, name: fields.name, role })
          : role.applicationObjectId;
      const lent = { role: fields.name, application, name: lentName(ports.random) };
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
      secretType: ownPrincipal ? PRINCIPAL : PASSWORD,
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
