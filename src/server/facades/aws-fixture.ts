/** What tests of the AWS facade share: the whole core, a binding, an access key, and a client that signs. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import type { TestContext } from 'node:test';
import { systemRandom, uuid } from '../../base/random.ts';
import type { AuditDeviceType } from '../../audit/device.ts';
import type { Clock } from '../../base/clock.ts';
import { createAwsFacade } from '../../facades/aws/aws-facade.ts';
import type { Facade } from '../../facades/facade.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';
import { sendJson, silentLog, wireRequest } from './facade-fixture.ts';
import { placeFinder } from './place-finder.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
const POLICY =
  'path "secret/*" { capabilities = ["create", "read", "update", "delete", "scan"] } path "auth/token/create" { capabilities = ["update"] }';

export interface Key {
  readonly id: string;
  readonly secret: string;
  readonly sessionToken?: string;
}

interface Reply {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Client {
  readonly key: Key;
  /** The answer of an operation that must succeed. */
  readonly ask: (name: string, input?: object) => Promise<Readonly<Record<string, unknown>>>;
  /** The type of the error that an operation must give. */
  readonly refused: (name: string, input?: object) => Promise<string>;
  readonly reply: (name: string, input?: object, key?: Key) => Promise<Reply>;
  readonly kms: (name: string, input?: object) => Promise<Reply>;
  readonly sts: (
    action: string,
    parameters?: Readonly<Record<string, string>>,
  ) => Promise<{ status: number; body: string }>;
}

function signed(
  key: Key,
  clock: Clock,
  service: string,
  body: string,
  headers: Record<string, string>,
): Record<string, string> {
  const amzDate = `${new Date(clock.nowMs()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const all: Record<string, string> = {
    ...headers,
    host: 'localhost',
    'x-amz-date': amzDate,
    ...(key.sessionToken === undefined ? {} : { 'x-amz-security-token': key.sessionToken }),
  };
  const names = Object.keys(all).sort();
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const lines = names.map((name) => `${name}:${all[name]}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${names.join(';')}\n${hash(body)}`;
  const scope = [amzDate.slice(0, 8), REGION, service, 'aws4_request'];
  let signing = Buffer.from(`AWS4${key.secret}`);
  for (const part of scope) signing = createHmac('sha256', signing).update(part).digest();
  const text = `AWS4-HMAC-SHA256\n${amzDate}\n${scope.join('/')}\n${hash(canonical)}`;
  const signature = createHmac('sha256', signing).update(text).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.id}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...all, authorization };
}

function clientOf(facade: Facade, key: Key, clock: Clock): Client {
  const reply = async (name: string, input: object = {}, as: Key = key): Promise<Reply> => {
    const body = JSON.stringify(input);
    const headers = signed(as, clock, 'secretsmanager', body, {
      'x-amz-target': `secretsmanager.${name}`,
      'content-type': 'application/x-amz-json-1.1',
    });
    return await sendJson(facade, '/', { method: 'POST', headers, body });
  };
  return {
    key,
    reply,
    async ask(name, input) {
      const { status, json } = await reply(name, input);
      assert.equal(status, 200, JSON.stringify(json));
      return json;
    },
    async refused(name, input) {
      const { status, json } = await reply(name, input);
      assert.equal(status, 400, JSON.stringify(json));
      return String(json['__type']);
    },
    async kms(name, input = {}) {
      const body = JSON.stringify(input);
      const headers = signed(key, clock, 'kms', body, {
        'x-amz-target': `TrentService.${name}`,
        'content-type': 'application/x-amz-json-1.1',
      });
      return await sendJson(facade, '/', { method: 'POST', headers, body });
    },
    async sts(action, parameters = {}) {
      const body = new URLSearchParams({
        Action: action,
        Version: '2011-06-15',
        ...parameters,
      }).toString();
      const headers = signed(key, clock, 'sts', body, {
        'content-type': 'application/x-www-form-urlencoded',
      });
      const answer = await facade.handle(wireRequest('/', { method: 'POST', headers, body }));
      return { status: answer.status, body: String(answer.body) };
    },
  };
}

export interface Opened extends Client {
  readonly server: OpenInstance;
  readonly facade: Facade;
}

export async function opened(
  context: TestContext,
  policy: string = POLICY,
  audit: readonly AuditDeviceType[] = [],
): Promise<Opened> {
  const server = await openInstance({ audit });
  context.after(() => server.instance.close());
  return await awsOn(server, policy);
}

/** The AWS facade on an instance that is open already. */
export async function awsOn(server: OpenInstance, policy: string = POLICY): Promise<Opened> {
  await server.get('write', 'sys/policies/acl/app', { data: { policy } });
  await server.get('write', 'identity/entity', { data: { name: 'app', policies: 'app' } });
  await server.get('write', `sys/bindings/aws/${ACCOUNT}`, { data: {} });
  const issued = await server.get('write', 'identity/credential/access-key', {
    data: { entity_name: 'app', bound_to: ACCOUNT },
  });
  const key = { id: String(issued['access_key_id']), secret: String(issued['secret_access_key']) };
  const { services } = server.instance;
  const placeOf = placeFinder(services);
  const facade = createAwsFacade({
    handle: server.instance.handle,
    log: silentLog,
    clock: server.clock,
    random: systemRandom,
    seal: (each) => services.credentials.sessions.seal(each),
    placeOf: (account, region) => placeOf('aws', account, region),
  });
  return { server, facade, ...clientOf(facade, key, server.clock) };
}

export const token = (): string => uuid(systemRandom);
