/** What must hold for every row of the command table. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { COMMANDS } from './command-table.ts';
import { completionScript, SHELLS } from './completion/script.ts';
import { commandHelp, rootHelp } from './help.ts';
import { findCommand } from './lookup.ts';
import { allFlags } from './option-groups.ts';
import { run } from './run.ts';
import { stubTerminal } from './scripts/stub.ts';

test('names are unique, and each has its group', () => {
  const names = COMMANDS.map((row) => row.name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    const group = name.split(' ').slice(0, -1).join(' ');
    if (group !== '') assert.ok(names.includes(group), `${name} has no group`);
  }
});

test('every command loads, every flag name is used once', async () => {
  for (const row of COMMANDS) {
    if (row.load !== undefined) assert.equal(typeof (await row.load()), 'function', row.name);
    const flags = allFlags(row).flatMap((flag) => [flag.name, ...(flag.aliases ?? [])]);
    assert.equal(new Set(flags).size, flags.length, `${row.name}: ${flags.join(' ')}`);
  }
});

test('help names every flag and subcommand', () => {
  for (const row of COMMANDS) {
    const help = commandHelp(row, COMMANDS);
    assert.ok(help.startsWith(`Usage: strongroom ${row.name}`));
    for (const flag of allFlags(row)) {
      if (flag.hidden !== true)
        assert.ok(help.includes(`  -${flag.name}`), `${row.name} -${flag.name}`);
    }
    for (const line of help.split('\n')) assert.ok(line.length <= 100 || line.includes('$ '), line);
  }
  assert.ok(rootHelp(COMMANDS).includes('    kv '));
});

test('help is printed for -h anywhere, and exits with 0', async () => {
  for (const argv of [
    ['-h'],
    ['kv', '--help'],
    ['kv', 'get', 'x', '-help'],
    ['help', 'kv', 'get'],
  ]) {
    const terminal = stubTerminal();
    assert.equal(await run(argv, terminal), 0);
    assert.match(terminal.output(), /^Usage: strongroom/);
    assert.equal(terminal.complaints(), '');
  }
});

test('an unknown command exits with 127, an unknown subcommand with 1, both with a hint', async () => {
  const unknown = stubTerminal();
  assert.equal(await run(['raed', 'x'], unknown), 127);
  assert.match(unknown.complaints(), /Did you mean "strongroom read"\?/);
  const sub = stubTerminal();
  assert.equal(await run(['kv', 'gt', 'x'], sub), 1);
  assert.match(sub.complaints(), /Did you mean "strongroom kv get"\?/);
  const group = stubTerminal();
  assert.equal(await run(['kv'], group), 1);
  assert.match(group.complaints(), /^Usage: strongroom kv/);
});

test('flags before the command are refused', async () => {
  const terminal = stubTerminal();
  assert.equal(await run(['-address=x', 'read', 'y'], terminal), 1);
  assert.match(terminal.complaints(), /^Invalid flags before the subcommand/);
});

test('the longest name wins', () => {
  const { row, rest } = findCommand(COMMANDS, ['kv', 'metadata', 'get', 'get']);
  assert.equal(row?.name, 'kv metadata get');
  assert.deepEqual(rest, ['get']);
});

test('warnings are coloured for people only', async () => {
  const person = stubTerminal({ tty: true });
  await run(['read'], person);
  assert.ok(person.complaints().startsWith('\u001b[31m'));
  const plain = stubTerminal({ tty: true, environment: { NO_COLOR: '1' } });
  await run(['read'], plain);
  assert.ok(!plain.complaints().includes('\u001b'));
});

test('completion scripts are accepted by their shells', (context) => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, COMMANDS);
    assert.ok(script.includes('enable-versioning'));
    const checked = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
    if (checked.error === undefined) assert.equal(checked.status, 0, checked.stderr);
    else context.diagnostic(`${shell} is not installed`);
  }
});

function complete(...words: string[]): string[] {
  const script = `${completionScript('bash', COMMANDS)}
COMP_WORDS=(strongroom ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
_strongroom; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['--norc'], { input: script, encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
}

test('bash completes commands, subcommands, flags and values', (context) => {
  if (spawnSync('bash', ['--version']).error !== undefined) {
    context.skip('bash is not installed');
    return;
  }
  assert.deepEqual(complete('un'), ['unwrap']);
  assert.deepEqual(complete('kv', 'metadata', 'p'), ['put', 'patch']);
  assert.deepEqual(complete('kv', 'get', '-vers'), ['-version=']);
  assert.deepEqual(complete('kv', 'get', '-format', '=', 'j'), ['json']);
  assert.deepEqual(complete('kv', 'get', '-format', 'y'), ['yaml']);
});
