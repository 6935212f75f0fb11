/** Records in the formats of collectors, from requests to the line that arrives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TestContext } from 'node:test';

import { invalidRequest } from '../../model/errors.ts';
import { fileDevice } from '../file/file.ts';
import { CANARY, keys, requestOf, specOf, worldOf } from '../fixture.ts';
import { EXPORTERS } from './exporters.ts';

/** What a device gets of a read that succeeded, a delete that was refused, and a login. */
async function exported(t: TestContext, format: string): Promise<string[]> {
  let text = '';
  const world = await worldOf(t, [fileDevice], {
    exporters: EXPORTERS,
    stdout: (lines) => {
      text += lines.toString();
      return Promise.resolve();
    },
  });
  const { broker } = world;
  broker.unsealed(keys);
  const options = { file_path: 'stdout', format, skip_test: 'true' };
  await broker.enable(specOf({ options }));
  const read = requestOf({ operation: 'read', data: { value: CANARY } });
  await broker.request(read);
  await broker.reply({ request: read, reply: { data: { value: CANARY } } });
  const refused = requestOf({ operation: 'delete', path: 'secret/data/a=b|c\\d' });
  await broker.request(refused);
  await broker.reply({ request: refused, error: invalidRequest('permission=denied\nreally') });
  const login = requestOf({
    path: 'auth/approle/login',
    mount: { path: 'auth/approle/', type: 'approle', accessor: 'auth_approle_1' },
    principal: undefined,
    token: undefined,
    data: { secret_id: CANARY },
  });
  await broker.request(login);
  await broker.reply({
    request: login,
    auth: {
      clientToken: CANARY,
      accessor: CANARY,
      displayName: 'approle',
      policies: ['app'],
      tokenPolicies: ['app'],
      identityPolicies: [],
      metadata: null,
      leaseDurationSeconds: 60,
      entityId: 'e',
      tokenType: 'service',
      numUses: 0,
    },
  });
  await broker.close();
  assert.equal(text.includes(CANARY), false);
  return text.split('\n').filter((line) => line !== '');
}

function pick(line: string | undefined, paths: readonly string[]): unknown[] {
  const parsed: unknown = JSON.parse(line ?? '{}');
  return paths.map((path) =>
    path
      .split('.')
      .reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], parsed),
  );
}

test('OCSF: API activity and authentication', async (t) => {
  const [read, refused, login, ...more] = await exported(t, 'ocsf');
  assert.deepEqual(more, []);
  const activity = ['class_uid', 'activity_id', 'type_uid', 'status_id', 'actor.user.name'];
  assert.deepEqual(pick(read, activity), [6003, 2, 600302, 1, 'approle']);
  assert.deepEqual(pick(refused, activity), [6003, 4, 600304, 2, 'approle']);
  assert.deepEqual(pick(refused, ['status_detail']), ['permission=denied\nreally']);
  assert.deepEqual(pick(read, ['resources.0.name', 'src_endpoint.ip', 'api.operation']), [
    'secret/data/app',
    '127.0.0.1',
    'read',
  ]);
  const logon = ['class_uid', 'activity_id', 'category_uid', 'service.name', 'user.name'];
  assert.deepEqual(pick(login, logon), [3002, 1, 3, 'auth/approle/', 'approle']);
});

test('ECS: events with outcome, user and source', async (t) => {
  const [read, refused, login] = await exported(t, 'ecs');
  const event = ['event.action', 'event.outcome', 'event.category.0', 'event.type.0'];
  assert.deepEqual(pick(read, event), ['read', 'success', 'api', 'access']);
  assert.deepEqual(pick(refused, event), ['delete', 'failure', 'api', 'deletion']);
  assert.deepEqual(pick(login, event), ['update', 'success', 'authentication', 'start']);
  assert.deepEqual(pick(read, ['source.ip', 'user.name', 'url.path']), [
    '127.0.0.1',
    'approle',
    '/secret/data/app',
  ]);
});

test('CEF: what could end a field is escaped', async (t) => {
  const [read, refused] = await exported(t, 'cef');
  assert.match(read ?? '', /^CEF:0\|Strongroom\|Strongroom\|1\|read\|kv read\|3\|rt=\d+ /);
  assert.match(refused ?? '', / request=\/secret\/data\/a\\=b\|c\\\\d /);
  assert.match(refused ?? '', / reason=permission\\=denied\\nreally /);
  assert.match(refused ?? '', / outcome=failure /);
});

test('a file has the native format only, and a format that does not exist is refused', async (t) => {
  const world = await worldOf(t, [fileDevice], { exporters: EXPORTERS });
  for (const options of [
    { file_path: world.file(), format: 'ocsf' },
    { file_path: 'stdout', format: 'jsonx' },
    { file_path: 'stdout', format: '__proto__' },
  ]) {
    await assert.rejects(world.broker.enable(specOf({ options })), { code: 'invalid_request' });
  }
});

test('OTLP: one request of one log record a line, numbers of 64 bits as text', async (t) => {
  const [read, refused] = await exported(t, 'otlp');
  const record = 'resourceLogs.0.scopeLogs.0.logRecords.0';
  assert.deepEqual(pick(read, [`${record}.severityText`, `${record}.body.stringValue`]), [
    'INFO',
    'read secret/data/app',
  ]);
  const [time] = pick(read, [`${record}.timeUnixNano`]);
  assert.match(String(time), /^\d{13}000000$/);
  const [attributes] = pick(refused, [`${record}.attributes`]);
  const found = new Map(
    (attributes as { key: string; value: { stringValue?: string } }[]).map(({ key, value }) => [
      key,
      value.stringValue,
    ]),
  );
  assert.equal(found.get('error.type'), 'invalid_request');
  assert.equal(found.get('url.path'), '/secret/data/a=b|c\\d');
});

test('RFC 5424: what could end a parameter is escaped', async (t) => {
  const [read, refused] = await exported(t, 'rfc5424');
  assert.match(read ?? '', /^<110>1 \d{4}-\S+Z - strongroom - read \[audit@32473 id="/);
  assert.match(
    refused ?? '',
    /^<109>1 .* path="\/secret\/data\/a=b\|c\\\\d" .* error="invalid_request"\] /,
  );
});

test('whatever callers choose, a line stays one line and one event of its format', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 });
  const record = fc.record({ path: word, name: word, error: word, operation: word, key: word });
  fc.assert(
    fc.property(record, ({ path, name, error, operation, key }) => {
      const native = JSON.stringify({
        type: 'response',
        time: '2030-01-01T00:00:00.000Z',
        auth: { display_name: name, policies: [name], metadata: { entity_name: name } },
        request: {
          id: 'i',
          protocol: name.length % 2 === 0 ? 'aws' : 'azure',
          protocol_operation: operation,
          path,
          binding: { name, region: name, caller: name },
          data: { [key]: 'hmac-sha256:00' },
        },
        error,
      });
      for (const [format, write] of EXPORTERS) {
        const line = write(native) ?? '';
        assert.equal(/[\r\n]/.test(line), false, format);
        if (format === 'rfc5424') {
          assert.match(
            line,
            /^<\d+>1 \S+ - strongroom - \S+ \[audit@32473(?: \w+="(?:[^"\\\]]|\\["\\\]])*")*\] /,
          );
        } else if (format === 'cef') {
          const [, extension = ''] = /^CEF:0(?:\|(?:[^|\\]|\\[|\\])*){6}\|(.*)$/su.exec(line) ?? [];
          assert.match(extension, /^(?:\w+=(?:[^=\\]|\\[=\\nr])*)*$/su);
        } else JSON.parse(line);
      }
    }),
  );
});
