/** The servers that are compared, each started afresh in a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Api, textAt } from '../rig/api.ts';
import { Child, freePort } from '../rig/child.ts';
import { startPostgres } from '../rig/postgresql.ts';
import type { Postgres } from '../rig/postgresql.ts';
import { startVaultServer } from '../rig/vault-server.ts';
import type { Program, VaultServer } from '../rig/vault-server.ts';
import type { ScenarioInput, ScenarioName } from './scenarios.ts';
import { ACCOUNT, FLAT_SECRETS, flatSecret, PROJECT, VAULT_HOST } from './cloud.ts';
import type { AccessKey } from './cloud.ts';
import { prepareJwtLogins } from './jwt-logins.ts';
import { APPROLE, BARE_SCENARIOS, CLOUD_SCENARIOS, SECRET } from './scenarios.ts';

export interface Target {
  readonly name: string;
  readonly port: number;
  /** Where it speaks gRPC, when that is another port. */
  readonly grpcPort?: number | undefined;
  /** Undefined of one that somebody else started. */
  readonly child: Child | undefined;
  /** Which of the scenarios it can be asked. */
  readonly serves: (name: ScenarioName) => boolean;
  /** It is filled with secrets before it is measured. */
  readonly keepsBulk: boolean;
  readonly input: ScenarioInput;
  /** Start to the first answer of `sys/health`, and to the first 200, of an initialised server. */
  readonly firstAnswerMs: number | undefined;
  readonly readyMs: number | undefined;
  stop(): Promise<void>;
}

const LOOKUP_TOKENS = 100;
const DATABASE_CONNECTIONS = 16;

const POLICY = `
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "auth/token/create" { capabilities = ["create", "update", "sudo"] }
path "database/creds/bench" { capabilities = ["read"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }
path "pki-ec/issue/bench" { capabilities = ["update"] }
path "pki-rsa/issue/bench" { capabilities = ["update"] }
path "transit/encrypt/aes" { capabilities = ["update"] }
path "transit/sign/ec" { capabilities = ["update"] }
`;

export async function startHello(): Promise<Target> {
  const port = await freePort();
  const program = fileURLToPath(new URL('hello-process.ts', import.meta.url));
  const start = performance.now();
  const child = new Child([process.execPath, program, String(port)]);
  const api = new Api(`http://127.0.0.1:${port}`);
  let firstAnswerMs: number | undefined;
  while (firstAnswerMs === undefined && child.exit === undefined) {
    try {
      await api.call('GET', 'sys/health');
      firstAnswerMs = performance.now() - start;
    } catch {
      await delay(5);
    }
  }
  api.close();
  return {
    name: 'hello',
    port,
    child,
    serves: (name) => name === 'hello' || BARE_SCENARIOS.has(name),
    keepsBulk: false,
    input: NO_LOGINS,
    firstAnswerMs,
    readyMs: firstAnswerMs,
    stop: async () => {
      await child.stop();
    },
  };
}

/** Initialises the server, starts it a second time (that start is the one that is timed) and prepares tokens. */
export async function startVault(program: Program, lends: boolean): Promise<Target> {
  const database = lends
    ? await startPostgres({ settings: { max_connections: '100' } })
    : undefined;
  const folder = mkdtempSync(join(tmpdir(), `bench-${program.name}-`));
  const first = await startVaultServer(program, { folder });
  try {
    await prepare(first);
    if (database !== undefined) await prepareDatabase(first, database);
  } finally {
    first.api.close();
    await first.child.stop();
  }
  const server = await startVaultServer(program, { folder });
  const { token, tokens } = await makeTokens(server);
  const accessKey = await makeAccessKey(server);
  const jwts = await prepareJwtLogins(server.api, server.rootToken);
  const port = Number(new URL(server.api.address).port);
  return {
    name: program.name,
    port,
    child: server.child,
    serves: (name) =>
      name !== 'hello' && (program.name === 'strongroom' || !CLOUD_SCENARIOS.has(name)),
    keepsBulk: true,
    input: { token, tokens, accessKey, jwts, stored: 0, from: 0 },
    firstAnswerMs: server.firstAnswerMs,
    readyMs: server.readyMs,
    stop: async () => {
      server.api.close();
      await server.child.stop();
      await database?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function prepare({ api, program, rootToken }: VaultServer): Promise<void> {
  const options = { token: rootToken };
  await api.expect('POST', 'sys/mounts/secret', {
    ...options,
    body: { type: 'kv', options: { version: '2' } },
  });
  await api.expect('PUT', 'sys/policies/acl/bench', { ...options, body: { policy: POLICY } });
  await api.expect('POST', 'sys/auth/approle', { ...options, body: { type: 'approle' } });
  const { role_id, secret_id } = APPROLE;
  const role = 'auth/approle/role/bench';
  await api.expect('POST', role, { ...options, body: { role_id, token_ttl: '1h' } });
  await api.expect('POST', `${role}/custom-secret-id`, { ...options, body: { secret_id } });
  for (const type of ['ec', 'rsa']) {
    const mount = `pki-${type}`;
    await api.expect('POST', `sys/mounts/${mount}`, { ...options, body: { type: 'pki' } });
    await api.expect('POST', `${mount}/root/generate/internal`, {
      ...options,
      body: { common_name: 'Bench', key_type: type, ttl: '700h' },
    });
    await api.expect('POST', `${mount}/roles/bench`, {
      ...options,
      body: { allowed_domains: 'bench.test', allow_subdomains: true, key_type: type, ttl: '1h' },
    });
  }
  await api.expect('POST', 'sys/mounts/transit', { ...options, body: { type: 'transit' } });
  await api.expect('POST', 'transit/keys/aes', options);
  await api.expect('POST', 'transit/keys/ec', { ...options, body: { type: 'ecdsa-p256' } });
  if (program.name !== 'strongroom') return;
  await api.expect('POST', `sys/bindings/azure/${VAULT_HOST}`, options);
  await api.expect('POST', `sys/bindings/gcp/${PROJECT}`, options);
  await api.expect('POST', `sys/bindings/aws/${ACCOUNT}`, options);
  await api.expect('POST', 'identity/entity', {
    ...options,
    body: { name: 'bench', policies: ['bench'] },
  });
  for (let index = 0; index < FLAT_SECRETS; index++) {
    const path = `secret/data/${flatSecret(index)}`;
    await api.expect('POST', path, { ...options, body: { data: SECRET } });
  }
}

/** Accounts of a PostgreSQL of its own, on the same machine: its work is part of what is measured. */
async function prepareDatabase({ api, rootToken }: VaultServer, database: Postgres): Promise<void> {
  const options = { token: rootToken };
  await database.sql(`CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'keeper-pass'`);
  await api.expect('POST', 'sys/mounts/database', { ...options, body: { type: 'database' } });
  await api.expect('POST', 'database/config/bench', {
    ...options,
    body: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${database.port}/postgres?sslmode=disable`,
      username: 'keeper',
      password: 'keeper-pass',
      allowed_roles: '*',
      max_open_connections: DATABASE_CONNECTIONS,
    },
  });
  const creation_statements = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;
  await api.expect('POST', 'database/roles/bench', {
    ...options,
    body: { db_name: 'bench', creation_statements, default_ttl: '1h' },
  });
}

export const NO_KEY: AccessKey = { id: 'none', secret: 'none' };
/** For what asks for no login. */
export const NO_LOGINS: ScenarioInput = {
  token: 'none',
  tokens: ['none'],
  accessKey: NO_KEY,
  jwts: { ES256: '', RS256: '' },
  stored: 1000,
  from: 0,
};

async function makeAccessKey({ api, program, rootToken }: VaultServer): Promise<AccessKey> {
  if (program.name !== 'strongroom') return NO_KEY;
  const issued = await api.expect('POST', 'identity/credential/access-key', {
    token: rootToken,
    body: { entity_name: 'bench', bound_to: ACCOUNT },
  });
  return {
    id: textAt(issued, 'data', 'access_key_id'),
    secret: textAt(issued, 'data', 'secret_access_key'),
  };
}

export async function makeTokens({
  api,
  rootToken,
}: VaultServer): Promise<{ token: string; tokens: string[] }> {
  const make = async (policies: readonly string[]): Promise<string> =>
    textAt(
      await api.expect('POST', 'auth/token/create', {
        token: rootToken,
        body: { policies, ttl: '24h' },
      }),
      'auth',
      'client_token',
    );
  const tokens: string[] = [];
  for (let index = 0; index < LOOKUP_TOKENS; index++) tokens.push(await make(['default']));
  return { token: await make(['bench']), tokens };
}
