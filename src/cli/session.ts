/** The client of one invocation: built when first needed, from the flags over the environment over the stored token. */
import type { Client, ClientOptions } from '../client/client.ts';
import { optionsFromEnvironment, readVariable } from '../client/environment.ts';
import type { TlsSettings } from '../client/tls.ts';
import { CommandFailure, EXIT_SERVER } from './command.ts';
import { dryRunIntercept } from './dry-run.ts';
import type { FlagValues } from './flags.ts';
import { longDuration } from './render/values.ts';
import type { Terminal } from './terminal.ts';
import type { TokenHelper } from './token-helper.ts';
import type { Session } from './command.ts';

export function openSession(flags: FlagValues, terminal: Terminal): Session {
  let client: Promise<Client> | undefined;
  const dryRun = ['output-curl-string', 'output-policy'].some(
    (name) => flags.declares(name) && flags.boolean(name),
  );
  const session: Session = {
    dryRun,
    async newcomer(): Promise<Client> {
      // Loaded late: node:http takes half of the time that a command without a server needs.
      const { Client } = await import('../client/client.ts');
      try {
        return new Client(clientOptions(flags, terminal));
      } catch (cause) {
        throw failure('failed to create client', cause);
      }
    },
    client(): Promise<Client> {
      client ??= withStoredToken(session);
      return client;
    },
    async preflight(): Promise<Client> {
      const own = await session.client();
      const wraps =
        flags.isSet('wrap-ttl') || readVariable(terminal.environment, 'WRAP_TTL') !== undefined;
      return dryRun || wraps ? own.with({ intercept: undefined, wrapTtl: undefined }) : own;
    },
    async tokenHelper(): Promise<TokenHelper> {
      const { openTokenHelper } = await import('./token-helper.ts');
      return openTokenHelper(terminal);
    },
  };
  return session;
}

async function withStoredToken(session: Session): Promise<Client> {
  const client = await session.newcomer();
  if (client.token !== '') return client;
  try {
    const token = await (await session.tokenHelper()).get();
    return token === '' ? client : client.with({ token });
  } catch (cause) {
    throw failure('failed to get token from token helper', cause);
  }
}

function failure(context: string, cause: unknown): CommandFailure {
  const reason = cause instanceof Error ? cause.message : 'unknown error';
  return new CommandFailure(EXIT_SERVER, `${context}: ${reason}`);
}

function clientOptions(flags: FlagValues, terminal: Terminal): ClientOptions {
  const environment = optionsFromEnvironment(terminal.environment);
  const text = (name: string): string | undefined =>
    flags.isSet(name) ? flags.text(name) : undefined;
  const namespace = text('ns') ?? text('namespace') ?? environment.namespace;
  const wrapTtlMs = flags.durationMs('wrap-ttl');
  const mfa = flags.list('mfa');
  const unlockKey = text('unlock-key');
  const intercept = dryRunIntercept(flags, environment.tls ?? {});
  const options: ClientOptions = {
    ...environment,
    // A script decides itself what to try again; the variable may say otherwise.
    retriesMax: environment.retriesMax ?? 0,
    headers: {
      ...readHeaders(flags.map('header')),
      ...(unlockKey !== undefined && { 'X-Vault-Unlock-Key': unlockKey }),
    },
    tls: tlsSettings(flags, environment.tls ?? {}),
    ...(namespace !== undefined && { namespace: canonicalNamespace(namespace) }),
    ...(wrapTtlMs !== 0 && { wrapTtl: longDuration(wrapTtlMs) }),
    ...(mfa.length > 0 && { mfa }),
    ...(flags.boolean('policy-override') && { policyOverride: true }),
    ...(flags.boolean('disable-redirects') && { followRedirects: false }),
    ...(intercept !== undefined && { intercept }),
  };
  const address = text('agent-address') ?? text('address');
  return address === undefined || address === '' ? options : { ...options, address };
}

/** `a/b/` without leading slash; the root namespace is an empty name. */
function canonicalNamespace(text: string): string {
  const segments = text.split('/').filter((part) => part !== '');
  const name = segments.join('/');
  return name === '' || name === 'root' ? '' : `${name}/`;
}

function tlsSettings(flags: FlagValues, environment: TlsSettings): TlsSettings {
  const pick = (name: string): string | undefined => {
    const value = flags.text(name);
    return value === '' ? undefined : value;
  };
  const changes = {
    caFile: pick('ca-cert'),
    caPath: pick('ca-path'),
    certFile: pick('client-cert'),
    keyFile: pick('client-key'),
    serverName: pick('tls-server-name'),
    skipVerify: flags.boolean('tls-skip-verify') ? true : undefined,
  };
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...environment, ...Object.fromEntries(given) };
}

function readHeaders(headers: ReadonlyMap<string, string>): Record<string, string> {
  const refused = [...headers.keys()].filter((name) => /^x-vault-/i.test(name));
  if (refused.length > 0) {
    throw new Error(
      `failed to setup Headers[${refused.join(', ')}]: Header starting by 'X-Vault-' are for internal usage only`,
    );
  }
  return Object.fromEntries(headers);
}
