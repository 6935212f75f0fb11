/** Imports of files into a real server. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { at } from '../../../../../rig/api.ts';
import { runImport, startDev, TOKEN } from '../import.testkit.ts';
import type { DevServer, Said } from '../import.testkit.ts';

const SECRET = 'S3CRET-canary';
const folder = mkdtempSync(join(tmpdir(), 'strongroom-import-files-'));
let target: DevServer;

before(async () => {
  target = await startDev();
  const body = { type: 'kv', options: { version: '1' } };
  await target.api.expect('POST', 'sys/mounts/old', { token: TOKEN, body });
});
after(async () => {
  await target.stop();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string): Promise<unknown> {
  const { status, body } = await target.api.call('GET', path, { token: TOKEN });
  return status === 200 ? at(body, 'data') : status;
}

async function importing(...argv: string[]): Promise<Said> {
  const said = await runImport(target, argv);
  for (const text of [said.output, said.complaints]) assert.ok(!text.includes(SECRET), text);
  return said;
}

test('.env: one secret, or one for each; again changes nothing; another value is a conflict', async () => {
  const env = file('.env', `A=1\nB="${SECRET}"\n`);
  const dry = await importing('env', '-dry-run', env, 'secret/shop/env');
  assert.equal(dry.code, 0, dry.complaints);
  assert.match(dry.output, /Nothing was written[\s\S]*create secrets secret\/data\/shop\/env/);
  assert.equal(await read('secret/data/shop/env'), 404);
  assert.equal((await importing('env', env, 'secret/shop/env')).code, 0);
  assert.deepEqual(at(await read('secret/data/shop/env'), 'data'), { A: '1', B: SECRET });
  const again = await importing('env', '-mount=secret', env, 'shop/env');
  assert.equal(again.code, 0);
  assert.equal(at(await read('secret/metadata/shop/env'), 'current_version'), 1);
  assert.equal((await importing('env', '-layout=each', env, 'old/env')).code, 0);
  assert.deepEqual(await read('old/env/B'), { value: SECRET });

  const other = file('other.env', 'A=2\n');
  const failed = await importing('env', other, 'secret/shop/env');
  assert.equal(failed.code, 2);
  assert.match(
    failed.complaints,
    /1 could not be imported:\n {2}secrets secret\/data\/shop\/env: it differs here/,
  );
  const skipped = await importing('env', '-on-conflict=skip', other, 'secret/shop/env');
  assert.equal(skipped.code, 0);
  assert.equal(at(await read('secret/metadata/shop/env'), 'current_version'), 1);
  assert.equal(
    (await importing('env', '-on-conflict=overwrite', other, 'secret/shop/env')).code,
    0,
  );
  assert.deepEqual(at(await read('secret/data/shop/env'), 'data'), { A: '2' });
  await target.api.expect('DELETE', 'secret/data/shop/env', { token: TOKEN });
  const deleted = await importing('env', other, 'secret/shop/env');
  assert.match(deleted.complaints, /it was deleted here/);
});

test('JSON and YAML: the three layouts', async () => {
  const document = { db: { prod: { user: 'u', password: SECRET }, port: 5432 }, flag: true };
  const json = file('shop.json', JSON.stringify(document));
  const yaml = file(
    'shop.yaml',
    `db:\n  prod: {user: u, password: ${SECRET}}\n  port: 5432\nflag: true\n`,
  );
  for (const [kind, path] of [
    ['json', json],
    ['yaml', yaml],
  ] as const) {
    assert.equal((await importing(kind, path, `secret/${kind}/one`)).code, 0);
    assert.deepEqual(at(await read(`secret/data/${kind}/one`), 'data'), document);
    assert.equal((await importing(kind, '-layout=tree', path, `secret/${kind}/tree`)).code, 0);
    assert.deepEqual(at(await read(`secret/data/${kind}/tree/db/prod`), 'data'), document.db.prod);
    assert.deepEqual(at(await read(`secret/data/${kind}/tree/db/port`), 'data'), { value: 5432 });
    assert.equal((await importing(kind, '-layout=each', path, `secret/${kind}/each`)).code, 0);
    assert.deepEqual(at(await read(`secret/data/${kind}/each/flag`), 'data'), { value: true });
  }
});

test('what is wrong about a file ends the command before anything is written', async () => {
  const wrong = [
    ['env', file('wrong.env', `A=1\n${SECRET}\n`)],
    ['json', file('wrong.json', `{"a": "${SECRET}"`)],
    ['yaml', file('wrong.yaml', `a: [${SECRET}`)],
    ['json', file('list.json', '[1]')],
    ['json', file('binary.json', Buffer.from([0xff, 0xfe, 0]))],
    ['json', join(folder, 'missing.json')],
    ['json', folder],
    ['files', join(folder, 'missing')],
  ] as const;
  for (const [kind, path] of wrong) {
    const said = await importing(kind, path, 'secret/wrong');
    assert.equal(said.code, 1, path);
    assert.match(said.complaints, /cannot be (?:imported|read)/);
  }
  const names = file(
    'names.json',
    JSON.stringify({ '../../sys/x': { a: 'b' }, 'a\u001b[2J': { a: 'b' }, ok: { a: 'b' } }),
  );
  const said = await importing('json', '-layout=each', names, 'secret/wrong');
  assert.equal(said.code, 2);
  assert.match(said.complaints, /2 could not be imported/);
  assert.ok(!said.complaints.includes('\u001b'));
  const { body } = await target.api.call('GET', 'secret/metadata/wrong?list=true', {
    token: TOKEN,
  });
  assert.deepEqual(at(body, 'data', 'keys'), ['ok']);
});

test('a folder: text and bytes as they are, links left alone', async () => {
  const root = join(folder, 'tree');
  mkdirSync(join(root, 'tls'), { recursive: true });
  writeFileSync(join(root, 'tls', 'key.pem'), `${SECRET}\n`);
  writeFileSync(join(root, 'tls', 'store.p12'), Buffer.from([0, 255, 1]));
  symlinkSync('/etc/hostname', join(root, 'link'));
  const said = await importing('files', root, 'secret/tree');
  assert.equal(said.code, 0, said.complaints);
  assert.match(said.output, /link: it is a link or no file/);
  const key = await read('secret/data/tree/tls/key.pem?detail=true');
  assert.deepEqual([at(key, 'value'), at(key, 'encoding')], [`${SECRET}\n`, 'text']);
  const store = await read('secret/data/tree/tls/store.p12?detail=true');
  assert.deepEqual([at(store, 'value'), at(store, 'encoding')], ['AP8B', 'base64']);
  assert.equal(await read('secret/data/tree/link'), 404);
  const again = await importing('files', '-format=json', root, 'secret/tree');
  assert.deepEqual(at(JSON.parse(again.output), 'sections', 'secrets'), {
    create: 0,
    change: 0,
    same: 2,
    skip: 0,
    fail: 0,
  });
  assert.equal((await importing('files', '-trim', '-layout=one', root, 'secret/fields')).code, 0);
  assert.deepEqual(at(await read('secret/data/fields/tls'), 'data'), {
    'key.pem': SECRET,
    'store.p12': 'AP8B',
  });
});

test('AWS: versions, stages, ids, tags and descriptions; what is added follows', async () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf';
  const value = (id: string, day: number, stages: string[]): unknown => ({
    ARN: arn,
    Name: 'prod/db',
    VersionId: id,
    SecretString: JSON.stringify({ password: SECRET, day }),
    VersionStages: stages,
    CreatedDate: `2025-0${day}-01T10:00:00.123000+02:00`,
  });
  const [one, two, three] = [
    '11111111-1111-4111-8111-111111111111',
    '22222222-2222-4222-8222-222222222222',
    '33333333-3333-4333-8333-333333333333',
  ] as const;
  const listed = {
    SecretList: [
      {
        ARN: arn,
        Name: 'prod/db',
        Description: 'of the shop',
        Tags: [
          { Key: 'team', Value: 'ops' },
          { Key: 'empty', Value: '' },
        ],
        CreatedDate: 1_735_725_600.5,
        RotationEnabled: true,
        SecretVersionsToStages: { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] },
      },
      { ARN: `${arn}x`, Name: 'unread', SecretVersionsToStages: {} },
    ],
  };
  const list = file('list-secrets.json', JSON.stringify(listed));
  const values = file(
    'values.json',
    JSON.stringify(value(one, 1, ['AWSPREVIOUS']), null, 4) +
      JSON.stringify({ SecretValues: [value(two, 2, ['AWSCURRENT', 'blue'])], Errors: [] }),
  );
  const said = await importing('aws', '-mount=secret', list, values, '/');
  assert.equal(said.code, 0, said.complaints);
  assert.match(said.output, /unread: its value is in none of the files/);
  assert.match(said.output, /prod\/db: its rotation: set it up here/);
  assert.match(said.output, /1 tags without a value/);
  const metadata = await read('secret/metadata/prod/db?detail=true');
  assert.deepEqual(at(metadata, 'custom_metadata'), { team: 'ops' });
  assert.deepEqual(at(metadata, 'attributes'), { description: 'of the shop' });
  assert.deepEqual(at(metadata, 'labels'), { blue: 2 });
  assert.equal(at(metadata, 'created_time'), '2025-01-01T10:00:00.500000000Z');
  assert.equal(at(metadata, 'versions', '1', 'write_token'), one);
  assert.equal(at(metadata, 'versions', '1', 'created_time'), '2025-01-01T08:00:00.123000000Z');
  assert.deepEqual(at(await read('secret/data/prod/db'), 'data'), { password: SECRET, day: 2 });
  assert.deepEqual(at(await read('secret/data/prod/db?version=1'), 'data'), {
    password: SECRET,
    day: 1,
  });

  const again = await importing('aws', '-mount=secret', list, values, '/');
  assert.match(again.output, /secrets +0 +0 +1 +0 +0/);
  const newer = file('newer.json', JSON.stringify(value(three, 3, ['AWSCURRENT'])));
  const moved = file(
    'moved.json',
    JSON.stringify({
      Name: 'prod/db',
      VersionIdsToStages: { [one]: [], [two]: ['AWSPREVIOUS'], [three]: ['AWSCURRENT'] },
    }),
  );
  assert.equal((await importing('aws', '-mount=secret', values, newer, moved, '/')).code, 0);
  const after3 = await read('secret/metadata/prod/db?detail=true');
  assert.deepEqual([at(after3, 'served_version'), at(after3, 'labels')], [3, {}]);

  await target.api.expect('POST', 'secret/data/prod/db', {
    token: TOKEN,
    body: { data: { own: 'x' } },
  });
  const failed = await importing('aws', '-mount=secret', values, newer, '/');
  assert.equal(failed.code, 2);
  assert.match(failed.complaints, /its versions are others here/);
  assert.equal(
    (await importing('aws', '-on-conflict=overwrite', '-mount=secret', values, newer, '/')).code,
    0,
  );
  assert.equal(at(await read('secret/data/prod/db'), 'metadata', 'version'), 3);
  assert.equal((await importing('aws', '-mount=old', values, '/')).code, 1);
});
