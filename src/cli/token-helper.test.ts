/** Where the token of the last login is kept. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stubTerminal, type StubTerminal } from './scripts/stub.ts';
import { helperLine, openTokenHelper } from './token-helper.ts';

const homes: string[] = [];
after(() => {
  for (const home of homes) rmSync(home, { recursive: true });
});

function terminalAtHome(): StubTerminal {
  const home = mkdtempSync(join(tmpdir(), 'strongroom-home-'));
  homes.push(home);
  return stubTerminal({ homeFolder: home, environment: { PATH: process.env['PATH'] ?? '' } });
}

test('the token is kept in a file that only its owner reads', async () => {
  const terminal = terminalAtHome();
  const helper = openTokenHelper(terminal);
  const path = join(terminal.homeFolder, '.vault-token');
  assert.equal(await helper.get(), '');
  writeFileSync(path, 'old\n', { mode: 0o644 });
  assert.equal(await helper.get(), 'old');
  await helper.store('hvs.new');
  assert.equal(readFileSync(path, 'utf8'), 'hvs.new');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await helper.erase();
  assert.equal(await helper.get(), '');
});

test('an outside program keeps it when the configuration names one', async () => {
  const terminal = terminalAtHome();
  const store = join(terminal.homeFolder, 'kept');
  const program = join(terminal.homeFolder, 'helper.sh');
  const script = `#!/bin/sh
case $1 in
get) cat "${store}" ;;
store) cat >"${store}" ;;
erase) rm "${store}" ;;
esac
`;
  writeFileSync(program, script, { mode: 0o755 });
  writeFileSync(join(terminal.homeFolder, '.vault'), `token_helper = "${program}"\n`);
  const helper = openTokenHelper(terminal);
  await helper.store('hvs.kept');
  assert.equal(await helper.get(), 'hvs.kept');
  await helper.erase();
  await assert.rejects(helper.get(), /exit status 1/);
});

test('both syntaxes of the configuration are read', () => {
  assert.equal(helperLine('# c\ntoken_helper = "/a b"\n'), '/a b');
  assert.equal(helperLine('{ "token_helper": "/a\\\\b" }'), '/a\\b');
  assert.equal(helperLine('other = "x"'), undefined);
});
