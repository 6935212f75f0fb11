/** A configuration is judged as a start would judge it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConfig } from './check-config.ts';

test('what a server could not start with is named by its place', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const judged = (text: string): { problems: string[]; cautions: string[] } => {
    const file = join(folder, 'a.hcl');
    writeFileSync(file, text);
    const cautions: string[] = [];
    return { problems: checkConfig([file], {}, (line) => cautions.push(line)), cautions };
  };
  const listener = 'listener "tcp" { address = "127.0.0.1:1" tls_disable = true }';
  assert.deepEqual(judged(`storage "inmem" {}\n${listener}`), { problems: [], cautions: [] });
  assert.match(judged(`storag "inmem" {}\n${listener}`).problems[0] ?? '', /a\.hcl:1:1: .*storage/);
  assert.match(judged('storage "inmem" {}').cautions[0] ?? '', /no listener/);
  const secure = `storage "inmem" {}\nlistener "tcp" { tls_cert_file = "${folder}/no" tls_key_file = "${folder}/no" }`;
  assert.match(judged(secure).problems[0] ?? '', /the certificate cannot be used/);
  const port = 'storage "inmem" {}\nlistener "tcp" { address = "nowhere" tls_disable = true }';
  assert.match(judged(port).problems[0] ?? '', /host:port/);
  assert.equal(checkConfig([join(folder, 'none.hcl')], {}, () => {}).length, 1);
});
