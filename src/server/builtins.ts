/** Every engine, auth method and part of `sys` there is: the one list that names them. */
import { readFile } from 'node:fs/promises';
import { systemBackend } from './system-backend.ts';
import type { SystemOptions } from './system-backend.ts';
import { fetchBytes, fetchJson } from '../auth/fetch-json.ts';
import { kvBackend, generic, rotatingKv } from '../engines/kv/kv.ts';
import type { RotationPorts } from '../engines/kv/rotation/ports.ts';
import { cubbyholeBackend } from '../engines/cubbyhole/cubbyhole.ts';
import { credentialPaths } from '../identity/credentials/paths.ts';
import { identityBackend } from '../identity/backend.ts';
import { mfaPaths } from '../identity/mfa/paths.ts';
import { activationPaths } from '../identity/roles/activation-paths.ts';
import { eligiblePaths } from '../identity/roles/eligible-paths.ts';
import { exclusionPaths } from '../identity/roles/exclusion-paths.ts';
import { rolePaths } from '../identity/roles/role-paths.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { ROUTING_SCOPE } from '../core/mounts/mount-table.ts';
import type { AnyBackend, BackendFactory } from '../core/mounts/mount-table.ts';
import type { Backend } from '../model/backend.ts';
import { tokenBackend } from '../system/token/backend.ts';
import { oidcPorts } from './ports/oidc-ports.ts';
import { credentialPorts } from './ports/credential-ports.ts';
import { ANY_VALUE, identityTemplates } from './ports/identity-templates.ts';
import { Member, onMount } from './member.ts';
import { tokenPorts } from './ports/token-ports.ts';
import type { MetricsRegistry } from '../base/metrics/metrics.ts';
import type { PluginPorts } from '../system/plugins.ts';
import { rotationPorts } from './outside/rotation-ports.ts';
import { passwordPort } from './outside/password-ports.ts';
import { DATABASE_NAMES } from './outside/database-names.ts';
import { storedMetrics } from './ports/stored-metrics.ts';
import { cubbyholePrefix, cubbyholesAbroadPrefix } from '../core/cubbyhole.ts';
import type { Services } from './services.ts';

type Make = (options: Readonly<Record<string, string>> | null) => AnyBackend | undefined;

/** Nearly every server has one of these. */
function keyValue(rotation: RotationPorts): ReadonlyMap<string, Make> {
  const version2 = rotatingKv(rotation, {
    random: rotation.random,
    callOut: fetchBytes,
    tell: async (change) =>
      (await import('../facades/google/secrets/events.ts')).tellTopics(change),
  });
  return new Map<string, Make>([
    ['kv', (options) => wrapped(kvBackend(options, version2))],
    ['generic', () => onMount(generic)],
  ]);
}

/** Secrets engines that can be mounted, beside KV. */
function engines(services: Services, registry: MetricsRegistry): ReadonlyMap<string, Member> {
  const { world, hash } = services;
  const { random } = world;
  return new Map([
    [
      'pki',
      new Member(async () => {
        const { pkiBackend } = await import('../engines/pki/pki.ts');
        const log = world.log.named('pki');
        const metrics = storedMetrics(registry);
        return pkiBackend({ random, log, metrics, fillTemplate: identityTemplates(services) });
      }),
    ],
    [
      'ssh',
      new Member(async () => {
        const { sshBackend } = await import('../engines/ssh/ssh.ts');
        return sshBackend({ random, hash, fillTemplate: identityTemplates(services, ANY_VALUE) });
      }),
    ],
    [
      'aws',
      new Member(async () => {
        const { awsBackend } = await import('../engines/aws/aws.ts');
        return awsBackend({ random, send: fetchBytes });
      }),
    ],
    [
      'azure',
      new Member(async () => {
        const { azureBackend } = await import('../engines/azure/azure.ts');
        return azureBackend({ random, send: fetchBytes });
      }),
    ],
    [
      'gcp',
      new Member(async () => {
        const { gcpBackend } = await import('../engines/gcp/gcp.ts');
        return gcpBackend({ random, send: fetchBytes });
      }),
    ],
    [
      'kubernetes',
      new Member(async () => {
        const { kubernetesBackend } = await import('../engines/kubernetes/kubernetes.ts');
        const { env: environment } = process;
        return kubernetesBackend({ random, send: fetchBytes, local: podFile, environment });
      }),
    ],
    [
      'rabbitmq',
      new Member(async () => {
        const { rabbitmqBackend } = await import('../engines/rabbitmq/rabbitmq.ts');
        return rabbitmqBackend({ random, send: fetchBytes, password: passwordPort(services) });
      }),
    ],
    [
      'ldap',
      new Member(async () => {
        const { ldapBackend } = await import('../engines/ldap/ldap.ts');
        return ldapBackend({ random, password: passwordPort(services) });
      }),
    ],
    [
      'transit',
      new Member(async () =>
        (await import('../engines/transit/transit.ts')).transitBackend({ random }),
      ),
    ],
    [
      'totp',
      new Member(async () => (await import('../engines/totp/totp.ts')).totpBackend({ random })),
    ],
    [
      'database',
      new Member(async () => {
        const { databaseBackend } = await import('../engines/database/database.ts');
        const { DATABASE_MEMBERS } = await import('./outside/database-members.ts');
        const password = passwordPort(services);
        return databaseBackend({ random, members: DATABASE_MEMBERS, password });
      }),
    ],
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
function authMethods({ world, hash }: Services): ReadonlyMap<string, Member> {
  const { clock, random } = world;
  const log = world.log.named('auth');
  const jwt = new Member(async () =>
    (await import('../auth/jwt/jwt.ts')).jwtBackend({ clock, random, log, fetch: fetchJson }),
  );
  return new Map([
    [
      'approle',
      new Member(async () =>
        (await import('../auth/approle/approle.ts')).approleBackend({ random, hash }),
      ),
    ],
    [
      'aws',
      new Member(async () =>
        (await import('../auth/aws/aws.ts')).awsBackend({ random, fetch: fetchBytes }),
      ),
    ],
    [
      'azure',
      new Member(async () =>
        (await import('../auth/azure/azure.ts')).azureBackend({ clock, fetch: fetchJson }),
      ),
    ],
    [
      'cert',
      new Member(async () => {
        const { certBackend } = await import('../auth/cert/cert.ts');
        return certBackend({ clock, log, random, fetch: fetchBytes });
      }),
    ],
    [
      'gcp',
      new Member(async () =>
        (await import('../auth/gcp/gcp.ts')).gcpBackend({ clock, random, fetch: fetchJson }),
      ),
    ],
    ['jwt', jwt],
    [
      'kubernetes',
      new Member(async () => {
        const { kubernetesBackend } = await import('../auth/kubernetes/kubernetes.ts');
        return kubernetesBackend({ clock, fetch: fetchJson, local: podFile });
      }),
    ],
    [
      'ldap',
      new Member(async () => (await import('../auth/ldap/ldap.ts')).ldapBackend({ random })),
    ],
    ['oidc', jwt],
    [
      'radius',
      new Member(async () =>
        (await import('../auth/radius/radius.ts')).radiusBackend({ clock, random }),
      ),
    ],
    [
      'userpass',
      new Member(async () =>
        (await import('../auth/userpass/userpass.ts')).userpassBackend({ random }),
      ),
    ],
  ]);
}

function wrapped(backend: Backend | undefined): AnyBackend | undefined {
  return backend === undefined ? undefined : onMount(backend);
}

export function builtins(
  services: Services,
  options: Omit<SystemOptions, 'pluginNames'> & {
    readonly further: ReadonlyMap<string, () => Backend>;
    readonly rotationPrograms: string;
  },
): { factory: BackendFactory; system: AnyBackend; stop: () => Promise<void> } {
  const methods = authMethods(services);
  const { registry } = options.monitoring;
  const secrets = engines(services, registry);
  const versioned = keyValue(rotationPorts(services, registry, options.rotationPrograms));
  const factory: BackendFactory = ({ table, type, options: mountOptions }) => {
    if (table === 'auth' && !type.endsWith('token')) return methods.get(type)?.backend;
    return (
      core.get(type) ??
      versioned.get(type)?.(mountOptions) ??
      secrets.get(type)?.backend ??
      wrapped(options.further.get(type)?.())
    );
  };
  const names: PluginPorts['names'] = (kind) => {
    if (kind === 'auth') return [...methods.keys()].sort();
    return kind === 'secret'
      ? [...versioned.keys(), ...secrets.keys()].sort()
      : [...DATABASE_NAMES];
  };
  const system = systemBackend(services, factory, { ...options, pluginNames: names });
  const token = tokenBackend(tokenPorts(services));
  const identity = identityBackend(
    services.identity.store,
    oidcPorts(services, options.status.apiAddress),
    [
      ...credentialPaths(services.identity.store, credentialPorts(services)),
      ...mfaPaths(services.identity.store, services.mfa.ports),
      ...rolePaths(services.identity.store),
      ...activationPaths(services.identity.store),
      ...eligiblePaths(services.identity.store),
      ...exclusionPaths((unit) => (unit as CoreUnit).bumpEpoch(ROUTING_SCOPE)),
    ],
  );
  const cubbyhole = cubbyholeBackend({ home: cubbyholePrefix, abroad: cubbyholesAbroadPrefix });
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
    const members = [...methods.values(), ...secrets.values()];
    await Promise.allSettled(members.map(async ({ loaded }) => await loaded?.stop?.()));
  };
  return { factory, system, stop };
}
