/** Every engine, auth method and part of `sys` there is: the one list that names them. */
import { readFile } from 'node:fs/promises';
import { systemBackend } from './system-backend.ts';
import type { SystemOptions } from './system-backend.ts';
import { approleBackend } from '../auth/approle/approle.ts';
import { awsBackend } from '../auth/aws/aws.ts';
import { azureBackend } from '../auth/azure/azure.ts';
import { fetchBytes, fetchJson } from '../auth/fetch-json.ts';
import { gcpBackend } from '../auth/gcp/gcp.ts';
import { jwtBackend } from '../auth/jwt/jwt.ts';
import { kubernetesBackend } from '../auth/kubernetes/kubernetes.ts';
import { certBackend } from '../auth/cert/cert.ts';
import { ldapBackend } from '../auth/ldap/ldap.ts';
import { userpassBackend } from '../auth/userpass/userpass.ts';
import { databaseBackend } from '../engines/database/database.ts';
import { kvBackend, generic } from '../engines/kv/kv.ts';
import { pkiBackend } from '../engines/pki/pki.ts';
import { sshBackend } from '../engines/ssh/ssh.ts';
import { totpBackend } from '../engines/totp/totp.ts';
import { transitBackend } from '../engines/transit/transit.ts';
import { cubbyholeBackend } from '../engines/cubbyhole/cubbyhole.ts';
import { credentialPaths } from '../identity/credentials/paths.ts';
import { identityBackend } from '../identity/backend.ts';
import { mfaPaths } from '../identity/mfa/paths.ts';
import { cubbyholePrefix } from '../core/steps/wrap.ts';
import type { AnyBackend, BackendFactory } from '../core/mount-table.ts';
import type { Backend } from '../model/backend.ts';
import { tokenBackend } from '../system/token/backend.ts';
import { oidcPorts } from './ports/oidc-ports.ts';
import { credentialPorts } from './ports/credential-ports.ts';
import { ANY_VALUE, identityTemplates } from './ports/identity-templates.ts';
import { tokenPorts } from './ports/token-ports.ts';
import type { PluginPorts } from '../system/plugins.ts';
import { passwordPort } from './ports/password-ports.ts';
import { DATABASE_MEMBERS } from './ports/database-members.ts';
import type { Services } from './assemble.ts';

type Make = (options: Readonly<Record<string, string>> | null) => AnyBackend | undefined;

const onMount = (backend: Backend): AnyBackend =>
  Object.assign(backend, { scope: 'mount' as const });

/** Secrets engines that can be mounted. */
function engines(services: Services): ReadonlyMap<string, Make> {
  const { world, hash } = services;
  const { random } = world;
  const ssh = onMount(
    sshBackend({ random, hash, fillTemplate: identityTemplates(services, ANY_VALUE) }),
  );
  const pki = onMount(
    pkiBackend({
      random,
      log: world.log.named('pki'),
      fillTemplate: identityTemplates(services),
    }),
  );
  const database = onMount(
    databaseBackend({ random, members: DATABASE_MEMBERS, password: passwordPort(services) }),
  );
  const transit = onMount(transitBackend({ random }));
  const totp = onMount(totpBackend({ random }));
  return new Map<string, Make>([
    ['kv', (options) => wrapped(kvBackend(options))],
    ['generic', () => onMount(generic)],
    ['pki', () => pki],
    ['ssh', () => ssh],
    ['transit', () => transit],
    ['totp', () => totp],
    ['database', () => database],
  ]);
}

/** A file of the service account of the pod that this server runs in, if it runs in one. */
async function podFile(file: 'token' | 'ca.crt'): Promise<string | undefined> {
  try {
    return await readFile(`/var/run/secrets/kubernetes.io/serviceaccount/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Auth methods that can be enabled. */
function authMethods({ world, hash }: Services): ReadonlyMap<string, AnyBackend> {
  const { clock, random } = world;
  const log = world.log.named('auth');
  const jwt = onMount(jwtBackend({ clock, random, log, fetch: fetchJson }));
  return new Map([
    ['approle', onMount(approleBackend({ random, hash }))],
    ['aws', onMount(awsBackend({ random, fetch: fetchBytes }))],
    ['azure', onMount(azureBackend({ clock, fetch: fetchJson }))],
    ['cert', onMount(certBackend())],
    ['gcp', onMount(gcpBackend({ clock, random, fetch: fetchJson }))],
    ['jwt', jwt],
    ['kubernetes', onMount(kubernetesBackend({ fetch: fetchJson, local: podFile }))],
    ['ldap', onMount(ldapBackend({ random }))],
    ['oidc', jwt],
    ['userpass', onMount(userpassBackend({ random }))],
  ]);
}

function wrapped(backend: Backend | undefined): AnyBackend | undefined {
  return backend === undefined ? undefined : onMount(backend);
}

export function builtins(
  services: Services,
  options: Omit<SystemOptions, 'pluginNames'> & {
    readonly further: ReadonlyMap<string, () => Backend>;
  },
): { factory: BackendFactory; system: AnyBackend; stop: () => Promise<void> } {
  const methods = authMethods(services);
  const secrets = engines(services);
  const factory: BackendFactory = (entry) => {
    if (entry.table === 'auth' && !entry.type.endsWith('token')) return methods.get(entry.type);
    return (
      core.get(entry.type) ??
      secrets.get(entry.type)?.(entry.options) ??
      wrapped(options.further.get(entry.type)?.())
    );
  };
  const names: PluginPorts['names'] = (kind) => {
    if (kind === 'auth') return [...methods.keys()].sort();
    return kind === 'secret' ? [...secrets.keys()].sort() : [...DATABASE_MEMBERS.keys()].sort();
  };
  const system = systemBackend(services, factory, { ...options, pluginNames: names });
  const token = tokenBackend(tokenPorts(services));
  const identity = identityBackend(
    services.identity.store,
    oidcPorts(services, options.status.apiAddress),
    [
      ...credentialPaths(services.identity.store, credentialPorts(services)),
      ...mfaPaths(services.identity.store, services.mfa.ports),
    ],
  );
  const cubbyhole = cubbyholeBackend(cubbyholePrefix);
  const core: ReadonlyMap<string, AnyBackend> = new Map([
    ['system', system],
    ['ns_system', system],
    ['identity', identity],
    ['ns_identity', identity],
    ['cubbyhole', cubbyhole],
    ['ns_cubbyhole', cubbyhole],
    ['token', token],
    ['ns_token', token],
  ]);
  const stop = async (): Promise<void> => {
    const made = [...secrets.values()].map((make) => make(null));
    await Promise.allSettled([...methods.values(), ...made].map(async (b) => await b?.stop?.()));
  };
  return { factory, system, stop };
}
