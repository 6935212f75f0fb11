/** The Azure engine against a small login, Graph and resource manager endpoint that checks tokens and keeps what is made. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { fetchBytes } from '../auth/fetch-json.ts';
import type { JsonObject } from '../base/json.ts';
import { systemRandom, uuid } from '../base/random.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { azureBackend } from '../engines/azure/azure.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(azureBackend({ random: systemRandom, send: fetchBytes }));

const SCOPE = '/subscriptions/sub-1/resourceGroups/web';
const GRAPH = 'https://graph.microsoft.com/.default';
const MANAGEMENT = 'https://management.azure.com/.default';
const SECRET = 'S3CRET-of-the-manager';

interface Application {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly passwordCredentials: JsonObject[];
}

class FakeAzure {
  /** The application that makes the others. */
  readonly manager: Application = {
    id: 'manager-object',
    appId: 'manager',
    displayName: 'manager',
    passwordCredentials: [{ displayName: 'by hand', keyId: 'first' }],
  };
  readonly applications = new Map<string, Application>();
  readonly removed = new Map<string, Application>();
  /** Principals by the path of their assignment. */
  readonly assignments = new Map<string, string>();
  readonly members: string[] = [];
  /** Refuses requests with this in their method and path. */
  refuses: string | undefined;
  /** The next request with this in it is done, but its answer is lost. */
  loses: string | undefined;
  /** Which token is for which API. */
  readonly #tokens = new Map<string, string>();
  readonly #server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const line = `${request.method ?? ''} ${request.url ?? ''}`;
      const [status, body] = this.#answer(request, line, text);
      if (this.loses !== undefined && line.includes(this.loses)) {
        this.loses = undefined;
        request.socket.destroy();
        return;
      }
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  add(displayName: string): Application {
    const application: Application = {
      id: uuid(systemRandom),
      appId: uuid(systemRandom),
      displayName,
      passwordCredentials: [],
    };
    this.applications.set(application.id, application);
    return application;
  }

  #answer(request: IncomingMessage, line: string, text: string): [number, unknown] {
    if (line === 'POST /tenant-1/oauth2/v2.0/token') return this.#grant(text);
    const api = line.includes(' /subscriptions/') ? MANAGEMENT : GRAPH;
    const token = (request.headers.authorization ?? '').slice('Bearer '.length);
    if (this.#tokens.get(token) !== api) return refusal(401, 'InvalidAuthenticationToken');
    if (this.refuses !== undefined && line.includes(this.refuses)) return refusal(403, 'denied');
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, JsonObject>;
    return api === GRAPH ? this.#graph(line, body) : this.#management(line, body);
  }

  #grant(text: string): [number, unknown] {
    const form = new URLSearchParams(text);
    const good =
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === 'manager' &&
      this.manager.passwordCredentials.some(
        ({ keyId }) =>
          form.get('client_secret') === (keyId === 'first' ? SECRET : `secret ${textOf(keyId)}`),
      );
    if (!good) return [401, { error: 'invalid_client', error_description: 'bad password' }];
    const token = uuid(systemRandom);
    this.#tokens.set(token, form.get('scope') ?? '');
    return [200, { access_token: token, token_type: 'Bearer', expires_in: 3599 }];
  }

  #graph(line: string, body: Record<string, unknown>): [number, unknown] {
    const [method = '', url = ''] = line.split(' ');
    const { pathname, searchParams } = new URL(url, 'http://x');
    const filter = /^displayName eq '(.*)'$/.exec(searchParams.get('$filter') ?? '')?.[1];
    const wanted = filter?.replaceAll("''", "'");
    const named = (all: Map<string, Application>): [number, unknown] => [
      200,
      { value: [...all.values()].filter(({ displayName }) => displayName === wanted) },
    ];
    if (line === 'POST /v1.0/applications') {
      const made = this.add(body['displayName'] as string);
      const asked = (body['passwordCredentials'] ?? []) as JsonObject[];
      return [201, { ...made, passwordCredentials: asked.map((each) => password(made, each)) }];
    }
    if (pathname === '/v1.0/applications') {
      const own = searchParams.get('$filter') === "appId eq 'manager'";
      return own ? [200, { value: [this.manager] }] : named(this.applications);
    }
    const removed = '/v1.0/directory/deletedItems';
    if (pathname === `${removed}/microsoft.graph.application`) return named(this.removed);
    if (pathname.startsWith(removed)) {
      return this.removed.delete(pathname.slice(removed.length + 1)) ? [204, undefined] : gone();
    }
    if (pathname === '/v1.0/groups') {
      return [200, { value: wanted === "dev's" ? [{ id: 'group-2' }] : [] }];
    }
    if (pathname === '/v1.0/servicePrincipals') {
      const known = [...this.applications.values()].some(({ appId }) => appId === body['appId']);
      return known ? [201, { id: `principal of ${String(body['appId'])}` }] : gone();
    }
    if (pathname.endsWith('/$ref')) {
      const [, , , group = '', , principal = ''] = decodeURIComponent(pathname).split('/');
      if (method === 'POST') {
        const member = `${group}: ${String(body['@odata.id'])}`;
        if (this.members.includes(member)) return refusal(400, 'references already exist');
        this.members.push(member);
        return [204, undefined];
      }
      const at = this.members.findIndex(
        (each) => each.startsWith(group) && each.endsWith(principal),
      );
      if (at === -1) return gone();
      this.members.splice(at, 1);
      return [204, undefined];
    }
    return this.#application(method, pathname, body);
  }

  #application(method: string, path: string, body: Record<string, unknown>): [number, unknown] {
    const [, , , id = '', act] = path.split('/');
    const application = id === this.manager.id ? this.manager : this.applications.get(id);
    if (application === undefined) return gone();
    if (method === 'GET') return [200, application];
    if (method === 'DELETE') {
      this.applications.delete(id);
      this.removed.set(id, application);
      return [204, undefined];
    }
    if (act === 'addPassword') {
      return [200, password(application, body['passwordCredential'] as JsonObject)];
    }
    const kept = application.passwordCredentials;
    const index = kept.findIndex(({ keyId }) => keyId === body['keyId']);
    if (act !== 'removePassword' || index === -1) return refusal(400, 'no such password');
    kept.splice(index, 1);
    return [204, undefined];
  }

  #management(line: string, body: Record<string, JsonObject>): [number, unknown] {
    const [method = '', url = ''] = line.split(' ');
    const { pathname, searchParams } = new URL(url, 'http://x');
    if (searchParams.get('api-version') === null) return refusal(400, 'MissingApiVersion');
    if (method === 'GET') {
      const known = searchParams.get('$filter') === "roleName eq 'Reader'";
      return [200, { value: known ? [{ id: '/providers/definitions/reader' }] : [] }];
    }
    if (method === 'DELETE') {
      return this.assignments.delete(pathname) ? [200, {}] : [204, undefined];
    }
    const { roleDefinitionId, principalId } = body['properties'] ?? {};
    if (this.assignments.has(pathname)) return refusal(409, 'RoleAssignmentExists');
    this.assignments.set(pathname, `${textOf(roleDefinitionId)} to ${textOf(principalId)}`);
    return [201, {}];
  }
}

/** Adds a password: its secret is shown this once. */
function password(application: Application, asked: JsonObject | undefined): JsonObject {
  const entry = { ...asked, keyId: uuid(systemRandom) };
  application.passwordCredentials.push(entry);
  return { ...entry, secretText: `secret ${entry.keyId}` };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function refusal(status: number, message: string): [number, unknown] {
  return [status, { error: { code: message, message } }];
}

function gone(): [number, unknown] {
  return refusal(404, 'Request_ResourceNotFound');
}

suite('the Azure engine', () => {
  let azure: FakeAzure;
  let open: OpenInstance;

  before(async () => {
    azure = new FakeAzure();
    const host = await azure.listen();
    open = await openInstance();
    await open.ask('write', 'sys/mounts/azure', { data: { type: 'azure' } });
    const data = {
      subscription_id: 'sub-1',
      tenant_id: 'tenant-1',
      client_id: 'manager',
      client_secret: SECRET,
      custom_endpoint: { login: host, graph: host, management: host },
    };
    assert.equal(await open.outcome('write', 'azure/config', { data }), 'ok');
  });
  beforeEach(() => {
    azure.refuses = undefined;
    azure.loses = undefined;
  });
  after(async () => {
    azure?.close();
    await open?.instance.close();
  });

  const write = async (path: string, data: JsonObject): Promise<string> =>
    (await open.ask('write', path, { data })).error?.message ?? 'done';
  const revoke = async (id: string): Promise<string> =>
    await open.outcome('write', 'sys/leases/revoke', { data: { lease_id: id, sync: true } });

  test('settings and roles are checked, and show no password', async () => {
    const shown = JSON.stringify(await open.get('read', 'azure/config'));
    assert.ok(shown.includes('manager') && !shown.includes(SECRET));
    for (const data of [
      { tenant_id: '../x' },
      { client_secret: '' },
      { environment: 'AzureMoon' },
      { custom_endpoint: { other: 'https://x' } },
      { custom_endpoint: { graph: 'ftp://x' } },
    ]) {
      assert.notEqual(await write('azure/config', data), 'done', JSON.stringify(data));
    }
    for (const data of [
      {},
      { azure_roles: 'x' },
      { azure_roles: '[{"role_name":"Reader"}]' },
      { azure_roles: '[{"role_name":"Reader","scope":"/a/../b"}]' },
      { azure_roles: `[{"scope":"${SCOPE}"}]` },
      { azure_groups: '[{}]' },
      { azure_groups: '[{"object_id":"a/b"}]' },
      { application_object_id: 'a/b' },
      { application_object_id: 'a', azure_groups: '[{"object_id":"a"}]' },
      { application_object_id: 'a', ttl: '2h', max_ttl: '1h' },
      { application_object_id: 'a', sign_in_audience: 'all' },
    ]) {
      assert.notEqual(await write('azure/roles/bad', data), 'done', JSON.stringify(data));
    }
  });

  suite('passwords of an application that exists', () => {
    let application: Application;

    before(async () => {
      application = azure.add('shop');
      application.passwordCredentials.push({ displayName: 'other', keyId: 'k0' });
      const data = { application_object_id: application.id, ttl: '10m', max_ttl: '30m' };
      assert.equal(await write('azure/roles/shop', data), 'done');
      assert.deepEqual(await open.get('list', 'azure/roles/'), { keys: ['shop'] });
    });

    test('are there for as long as the lease, which is renewed by the role', async () => {
      const { reply, lease, error } = await open.ask('read', 'azure/creds/shop');
      assert.equal(error, undefined);
      assert.equal(reply?.data?.['client_id'], application.appId);
      const made = application.passwordCredentials[1];
      assert.equal(reply?.data?.['client_secret'], `secret ${textOf(made?.['keyId'])}`);
      assert.ok(Date.parse(textOf(made?.['endDateTime'])) > open.clock.nowMs() + 1_800_000);
      assert.equal(lease?.durationSeconds, 600);
      await open.pass(300);
      const data = { lease_id: lease?.id ?? '' };
      assert.equal(await open.outcome('write', 'sys/leases/renew', { data }), 'ok');
      await open.pass(400);
      assert.equal(application.passwordCredentials.length, 2);
      await open.pass(300);
      assert.deepEqual(
        application.passwordCredentials.map(({ keyId }) => keyId),
        ['k0'],
      );
    });

    test('whose answer was lost are found by their name', async () => {
      azure.loses = 'addPassword';
      const { error } = await open.ask('read', 'azure/creds/shop');
      assert.match(error?.message ?? '', /Azure does not answer/);
      await open.pass(1);
      assert.equal(application.passwordCredentials.length, 1);
    });

    test('of an application that is gone are gone', async () => {
      const { lease } = await open.ask('read', 'azure/creds/shop');
      azure.applications.delete(application.id);
      assert.equal(await revoke(lease?.id ?? ''), 'ok');
      const { error } = await open.ask('read', 'azure/creds/shop');
      assert.match(error?.message ?? '', /404: Request_ResourceNotFound/);
    });
  });

  suite('service principals', () => {
    const roles = [
      { role_name: 'Reader', scope: SCOPE },
      { role_id: '/providers/definitions/writer', scope: SCOPE },
    ];
    const groups = [{ object_id: 'group-1' }, { group_name: "dev's" }];

    before(async () => {
      const data = {
        azure_roles: JSON.stringify(roles),
        azure_groups: JSON.stringify(groups),
        ttl: '10m',
      };
      assert.equal(await write('azure/roles/web', data), 'done');
      const forGood = { ...data, permanently_delete: true };
      assert.equal(await write('azure/roles/for-good', forGood), 'done');
    });

    test('have the roles and the groups of their role, and are removed with their lease', async () => {
      const { reply, error } = await open.ask('read', 'azure/creds/web');
      assert.equal(error, undefined);
      const [application] = [...azure.applications.values()];
      assert.equal(reply?.data?.['client_id'], application?.appId);
      assert.match(String(reply?.data?.['client_secret']), /^secret /);
      const principal = `principal of ${application?.appId ?? ''}`;
      assert.deepEqual(
        [...azure.assignments.values()],
        [
          `/providers/definitions/reader to ${principal}`,
          `/providers/definitions/writer to ${principal}`,
        ],
      );
      const member = `https://graph.microsoft.com/v1.0/directoryObjects/${principal}`;
      assert.deepEqual(azure.members, [`group-1: ${member}`, `group-2: ${member}`]);
      await open.pass(601);
      assert.equal(azure.applications.size + azure.assignments.size, 0);
      assert.equal(azure.removed.size, 1);
    });

    for (const step of ['POST /v1.0/applications', 'servicePrincipals', 'PUT ', 'members']) {
      test(`leave nothing behind when the answer to ${step} is lost`, async () => {
        azure.removed.clear();
        azure.loses = step;
        const { error } = await open.ask('read', 'azure/creds/for-good');
        assert.match(error?.message ?? '', /Azure does not answer/);
        await open.pass(1);
        assert.equal(azure.applications.size + azure.assignments.size + azure.removed.size, 0);
      });
    }

    test('are removed when Azure lets them be', async () => {
      await open.ask('read', 'azure/creds/for-good');
      azure.refuses = 'DELETE /v1.0/directory';
      await open.pass(601);
      assert.equal(azure.removed.size, 1);
      azure.refuses = undefined;
      await open.pass(3600);
      assert.equal(azure.applications.size + azure.removed.size, 0);
    });

    test('of a role that names what is not there are not made', async () => {
      for (const data of [
        { azure_roles: JSON.stringify([{ role_name: 'Nobody', scope: SCOPE }]) },
        { azure_groups: JSON.stringify([{ group_name: 'nobody' }]) },
      ]) {
        assert.equal(
          await write('azure/roles/none', { azure_roles: '', azure_groups: '', ...data }),
          'done',
        );
        const { error } = await open.ask('read', 'azure/creds/none');
        assert.match(error?.message ?? '', /no (role|group) .* found/);
        assert.equal(azure.applications.size, 0);
      }
    });
  });

  suite('the application that a role keeps', () => {
    const grant = (name: string): string =>
      JSON.stringify([{ role_id: `/d/${name}`, scope: SCOPE }]);
    const group = (id: string): string => JSON.stringify([{ object_id: id }]);
    const holds = (): string[] =>
      [...azure.assignments.values()].map((text) => text.split(' ')[0] ?? '').sort();

    before(async () => {
      azure.members.length = 0;
      const data = {
        persist_app: true,
        azure_roles: grant('a'),
        azure_groups: group('g1'),
        ttl: '10m',
      };
      assert.equal(await write('azure/roles/kept', data), 'done');
    });

    test('is the same for all credentials, whose passwords end with their leases', async () => {
      azure.loses = 'servicePrincipals';
      const { error } = await open.ask('read', 'azure/creds/kept');
      assert.match(error?.message ?? '', /Azure does not answer/);
      await open.pass(1);
      assert.equal(azure.applications.size, 0, 'what was begun is removed');

      const first = await open.ask('read', 'azure/creds/kept');
      const second = await open.ask('read', 'azure/creds/kept');
      const [application, ...others] = [...azure.applications.values()];
      assert.deepEqual(others, []);
      assert.deepEqual(
        [first, second].map(({ reply }) => reply?.data?.['client_id']),
        [application?.appId, application?.appId],
      );
      assert.notEqual(first.reply?.data?.['client_secret'], second.reply?.data?.['client_secret']);
      assert.equal(application?.passwordCredentials.length, 2);
      await open.pass(601);
      assert.equal(application?.passwordCredentials.length, 0);
      assert.deepEqual([azure.applications.size, holds()], [1, ['/d/a']]);
    });

    test('may do what the role says, also when that changes and Azure is away', async () => {
      azure.refuses = 'members';
      const data = { azure_roles: grant('b'), azure_groups: group('g2') };
      assert.equal(await write('azure/roles/kept', data), 'done');
      await open.pass(1);
      azure.refuses = undefined;
      azure.loses = 'PUT ';
      await open.pass(120);
      await open.pass(120);
      assert.deepEqual(holds(), ['/d/b']);
      assert.deepEqual(
        azure.members.map((text) => text.split(':')[0]),
        ['g2'],
      );
      await open.get('read', 'azure/creds/kept');
      assert.equal(azure.applications.size, 1);
    });

    test('goes with the role', async () => {
      await open.ask('delete', 'azure/roles/kept');
      await open.pass(1);
      assert.equal(azure.applications.size + azure.assignments.size, 0);
      await open.pass(601);
    });

    test('is none of an application that exists, and credentials keep to explicit_max_ttl', async () => {
      for (const data of [
        { application_object_id: 'a', persist_app: true },
        { application_object_id: 'a', ttl: '2h', explicit_max_ttl: '1h' },
        { application_object_id: 'a', max_ttl: '2h', explicit_max_ttl: '1h' },
      ]) {
        assert.notEqual(await write('azure/roles/bad', data), 'done', JSON.stringify(data));
      }
      const data = { azure_groups: group('g1'), ttl: '2m', explicit_max_ttl: '4m' };
      assert.equal(await write('azure/roles/brief', data), 'done');
      const { lease } = await open.ask('read', 'azure/creds/brief');
      for (let minutes = 0; minutes < 5; minutes++) {
        await open.ask('write', 'sys/leases/renew', { data: { lease_id: lease?.id ?? '' } });
        await open.pass(60);
      }
      assert.equal(azure.applications.size, 0);
    });
  });

  suite('rotation of the manager’s own password', () => {
    const names = (): string[] =>
      azure.manager.passwordCredentials.map(({ displayName }) => textOf(displayName));

    test('leaves none behind whose answer was lost', async () => {
      azure.loses = 'addPassword';
      assert.match(await write('azure/rotate-root', {}), /Azure does not answer/);
      await open.pass(1);
      assert.deepEqual(names(), ['by hand']);
    });

    test('goes over to the new one when Azure takes it, and removes the others', async () => {
      azure.manager.passwordCredentials.push({
        displayName: `strongroom-${uuid(systemRandom)}`,
        keyId: 'lent',
      });
      const shown = await open.get('read', 'azure/config');
      assert.equal(shown['root_password_ttl'], 15_768_000);
      assert.equal(await write('azure/config', { root_password_ttl: '100d' }), 'done');
      const { reply, error } = await open.ask('write', 'azure/rotate-root');
      assert.equal(error ?? reply, undefined, 'nothing is shown');
      assert.match(await write('azure/rotate-root', {}), /not in use yet/);
      assert.equal(names().length, 3);

      azure.refuses = 'GET /v1.0/applications';
      await open.pass(61);
      assert.equal(names().length, 3, 'the old one stays until the new one is known to work');
      azure.refuses = undefined;
      await open.pass(61);
      assert.equal(names().length, 2);
      assert.ok(!names().includes('by hand'));
      assert.ok(names().some((name) => name.startsWith('strongroom-root-')));
      const config = await open.get('read', 'azure/config');
      const endsMs = Date.parse(String(config['root_password_expiration_date']));
      assert.ok(Math.abs(endsMs - open.clock.nowMs() - 8_640_000_000) < 300_000);
      const { error: refused } = await open.ask('read', 'azure/creds/web');
      assert.equal(refused, undefined);
      await open.pass(601);
    });

    test('ends when another password is set by hand', async () => {
      assert.equal(await write('azure/rotate-root', {}), 'done');
      azure.manager.passwordCredentials.push({ displayName: 'by hand', keyId: 'first' });
      assert.equal(await write('azure/config', { client_secret: SECRET }), 'done');
      await open.pass(61);
      assert.ok(names().includes('by hand'));
      assert.equal(names().filter((name) => name.startsWith('strongroom-root-')).length, 1);
      const { error } = await open.ask('read', 'azure/creds/web');
      assert.equal(error, undefined);
      await open.pass(601);
    });
  });

  test('a wrong password of the manager is told', async () => {
    assert.equal(await write('azure/config', { client_secret: 'wrong' }), 'done');
    const { error } = await open.ask('read', 'azure/creds/web');
    assert.match(error?.message ?? '', /401: bad password/);
  });
});
