/** What `operator diagnose` finds: nothing where all is well, and each fault where it is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { openSqliteStorage } from '../../storage/sqlite/sqlite-storage.ts';
import { silentLog } from '../../base/log.ts';
import { diagnose } from './diagnose.ts';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;

suite('operator diagnose', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-diagnose-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);

  function openssl(...args: readonly string[]): void {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }

  /** A self-signed certificate for 90 days. */
  function certificate(name: string, ...more: readonly string[]): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    openssl('req', '-x509', ...key, ...files, '-subj', `/CN=${name}`, '-days', '90', ...more);
  }

  async function found(
    config: string,
    nowMs = systemClock.nowMs(),
    ...skip: string[]
  ): Promise<Finding[]> {
    const file = at('server.hcl');
    writeFileSync(file, config);
    return await diagnose([file], {}, new Set(['system', ...skip]), nowMs);
  }

  const bad = (findings: readonly Finding[]): string[] =>
    findings.filter(({ grade }) => grade !== 'ok').map(({ grade, text }) => `${grade}: ${text}`);

  const WITH_NAMES = ['-addext', 'subjectAltName=DNS:localhost'];
  const tls = (name: string, key = name): string =>
    `listener "tcp" {\n address = "127.0.0.1:0"\n tls_cert_file = "${at(`${name}.pem`)}"\n tls_key_file = "${at(`${key}.key`)}"\n}\n`;
  const store = `storage "sqlite" { path = "${at('data')}" }\n`;
  const audit = `audit "file" "main" { options { file_path = "${at('audit.log')}" } }\n`;

  test('where all is well it finds nothing, also with a store that is there', async () => {
    certificate('good', ...WITH_NAMES);
    assert.deepEqual(
      bad(await found(store + tls('good') + audit)).filter((text) => !text.includes('MiB')),
      [],
    );
    const storage = await openSqliteStorage({
      directory: at('data'),
      log: silentLog,
      onFatal: () => {},
    });
    const [line = ''] = bad(await found(store + tls('good') + audit)).filter(
      (text) => !text.includes('MiB'),
    );
    assert.match(line, /^warning: .*in use by another process/u);
    await storage.close();
    assert.deepEqual(
      bad(await found(store + tls('good') + audit)).filter((text) => !text.includes('MiB')),
      [],
    );
  });

  test('certificates: dates, names, keys and order', async () => {
    certificate('dated', ...WITH_NAMES);
    certificate('nameless');
    certificate('other', ...WITH_NAMES);
    const judge = async (config: string, laterMs = 0): Promise<string> =>
      bad(await found(store + config + audit, systemClock.nowMs() + laterMs, 'storage')).join('\n');
    assert.match(
      await judge(tls('dated'), 70 * DAY_MS),
      /^warning: CN=dated ends in (?:19|20) days/u,
    );
    assert.match(await judge(tls('dated'), 91 * DAY_MS), /^failure: CN=dated ended on/u);
    assert.match(await judge(tls('dated'), -DAY_MS), /^failure: CN=dated begins on/u);
    assert.match(await judge(tls('nameless')), /^failure: .*no subject alternative name/u);
    assert.match(
      await judge(tls('dated', 'other')),
      /^failure: .*not that of the first certificate/u,
    );
    spawnSync('sh', ['-c', 'cat dated.pem other.pem > wrong.pem; cp dated.key wrong.key'], {
      cwd: folder,
    });
    assert.match(
      await judge(tls('wrong')),
      /^failure: CN=dated is not signed by the one that follows/u,
    );
    assert.match(
      await judge('listener "tcp" {\n address = "127.0.0.1:0"\n tls_disable = true\n}\n'),
      /^warning: off/u,
    );
  });

  test('ports, audit files, databases and the configuration itself', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const taken = `listener "tcp" {\n address = "127.0.0.1:${port}"\n tls_disable = true\n}\n`;
    const away = `audit "file" "main" { options { file_path = "${at('no/such/folder/audit.log')}" } }\n`;
    const text = bad(await found(store + taken + away)).join('\n');
    server.close();
    assert.match(text, /is in use: by this server if it runs now/u);
    assert.match(text, /failure: no request would be served/u);
    const database = `storage "postgresql" { connection_url = "postgres://u:S3CRET@127.0.0.1:1/x" }\n`;
    const unreachable = bad(
      await found(database + tls('good') + audit, systemClock.nowMs(), 'listener'),
    ).join('\n');
    assert.match(unreachable, /^failure: /u);
    assert.doesNotMatch(unreachable, /S3CRET/u);
    assert.match(bad(await found('nonsense = 1\n')).join('\n'), /^failure: .*nonsense/u);
  });
});
