/**
 * Drives the Google Secret Manager API with the unmodified client library for Node.js, by gRPC and by REST. Environment: MODULES (folder it
 * is installed in), ENDPOINT (host:port), KEY_FILE, FEDERATION_FILE, PROJECT, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, NODE_EXTRA_CA_CERTS.
 * One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { runCases } from '../cases.ts';

interface Message {
  readonly name: string;
  readonly state?: string | number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly versionAliases?: Readonly<Record<string, string>>;
  readonly payload?: { readonly data: Buffer | string };
}
type Call = (request: object) => Promise<readonly [Message]>;
type ListCall = (request: object, options?: object) => Promise<readonly [readonly Message[]]>;
type Client = Readonly<Record<string, Call>> & {
  readonly listSecrets: ListCall;
  readonly listSecretVersions: ListCall;
  close(): Promise<void>;
};

const {
  MODULES = '',
  ENDPOINT = '',
  KEY_FILE = '',
  FEDERATION_FILE = '',
  PROJECT = '',
} = process.env;
const require = createRequire(`${MODULES}/`);
const { SecretManagerServiceClient } = require('@google-cloud/secret-manager') as {
  SecretManagerServiceClient: new (options: object) => Client;
};
const parent = `projects/${PROJECT}`;

function client(fallback: boolean, keyFilename = KEY_FILE): Client {
  const [apiEndpoint, port] = ENDPOINT.split(':');
  return new SecretManagerServiceClient({
    apiEndpoint,
    port: Number(port),
    keyFilename,
    ...(fallback ? { fallback: true } : {}),
  });
}

async function call(of: Client, method: string, request: object): Promise<Message> {
  const run = of[method];
  assert.ok(run, `no ${method}`);
  const [answer] = await run.call(of, request);
  return answer;
}

/** The library shows the code of gRPC, or by REST the status of HTTP. */
async function refused(
  [grpc, http]: readonly [number, number],
  promise: Promise<unknown>,
): Promise<void> {
  await assert.rejects(promise, (error: { code?: number }) => {
    assert.ok(error.code === grpc || error.code === http, String(error.code));
    return true;
  });
}

const NOT_FOUND = [5, 404] as const;
const ALREADY_EXISTS = [6, 409] as const;
const FAILED_PRECONDITION = [9, 400] as const;
const INVALID_ARGUMENT = [3, 400] as const;

function casesOf(kind: string, of: Client): Record<string, () => Promise<void>> {
  const prefix = `js-${kind}`;
  const named = (name: string): string => `${parent}/secrets/${prefix}-${name}`;
  const make = async (name: string, more: object = {}): Promise<Message> =>
    await call(of, 'createSecret', {
      parent,
      secretId: `${prefix}-${name}`,
      secret: { replication: { automatic: {} }, ...more },
    });
  const add = async (name: string, data: Buffer | string): Promise<Message> =>
    await call(of, 'addSecretVersion', {
      parent: named(name),
      payload: { data: Buffer.from(data) },
    });
  const access = async (name: string, version = 'latest'): Promise<Buffer> => {
    const { payload } = await call(of, 'accessSecretVersion', {
      name: `${named(name)}/versions/${version}`,
    });
    const data = payload?.data ?? '';
    return typeof data === 'string' ? Buffer.from(data, 'base64') : data;
  };
  return {
    async [`lifecycle by ${kind}`]() {
      const made = await make('life', { labels: { a: 'b' }, ttl: { seconds: 3600 } });
      assert.equal(made.name, named('life'));
      await refused(ALREADY_EXISTS, make('life'));
      await refused(NOT_FOUND, access('life'));
      assert.equal((await add('life', 'one')).name, `${named('life')}/versions/1`);
      await add('life', 'two');
      assert.equal((await access('life')).toString(), 'two');
      assert.equal((await access('life', '1')).toString(), 'one');
      await call(of, 'deleteSecret', { name: named('life') });
      await refused(NOT_FOUND, call(of, 'getSecret', { name: named('life') }));
    },
    async [`states by ${kind}`]() {
      await make('states');
      const { name } = await add('states', 'v');
      await call(of, 'disableSecretVersion', { name });
      await refused(FAILED_PRECONDITION, access('states'));
      await call(of, 'enableSecretVersion', { name });
      assert.equal((await access('states')).toString(), 'v');
      await call(of, 'destroySecretVersion', { name });
      await refused(FAILED_PRECONDITION, access('states'));
    },
    async [`a masked update by ${kind} changes nothing else`]() {
      await make('masked', { labels: { a: '1' }, annotations: { k: 'v' } });
      await add('masked', 'one');
      const updated = await call(of, 'updateSecret', {
        secret: { name: named('masked'), versionAliases: { live: 1 } },
        updateMask: { paths: ['version_aliases'] },
      });
      assert.deepEqual([updated.labels, updated.annotations], [{ a: '1' }, { k: 'v' }]);
      assert.equal((await access('masked', 'live')).toString(), 'one');
      await refused(
        INVALID_ARGUMENT,
        call(of, 'updateSecret', {
          secret: { name: named('masked') },
          updateMask: { paths: ['replication'] },
        }),
      );
    },
    async [`lists by ${kind}`]() {
      const names = Array.from({ length: 7 }, (_none, index) => `list-${index}`);
      for (const name of names) await make(name);
      const [found] = await of.listSecrets({ parent, pageSize: 3, filter: `name:${prefix}-list` });
      assert.deepEqual(found.map(({ name }) => name).toSorted(), names.map(named));
      for (const value of ['1', '2', '3']) await add('list-0', value);
      const [versions] = await of.listSecretVersions({ parent: named('list-0'), pageSize: 2 });
      assert.equal(versions.length, 3);
    },
    async [`values by ${kind}`]() {
      await make('values');
      for (const value of [Buffer.from('päß ✓ 🔑'), randomBytes(64 * 1024)]) {
        await add('values', value);
        assert.deepEqual(await access('values'), value);
      }
      await refused(INVALID_ARGUMENT, add('values', randomBytes(64 * 1024 + 1)));
    },
  };
}

const grpc = client(false);
const rest = client(true);
await runCases('google-javascript', {
  ...casesOf('grpc', grpc),
  ...casesOf('rest', rest),
  async 'workload identity federation'() {
    const federated = client(true, FEDERATION_FILE);
    assert.ok(
      (await call(federated, 'getSecret', { name: `${parent}/secrets/js-rest-values` })).name,
    );
  },
});
await grpc.close();
