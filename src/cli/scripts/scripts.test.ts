/**
 * Replays the terminal scripts of this folder. A script is a row of cases:
 *
 *     # title
 *     env NAME=value            stdin text              secret text
 *     tty                         somebody sits at a terminal (colours off)
 *     < METHOD PATH STATUS JSON   the next answer of the stub server
 *     > JSON                      the body that request must have had
 *     ^ name: value               a header it must have had
 *     $ command line              without the name of the program
 *     expected standard output; lines that begin with "! " are standard error
 *     exit N                      0 when missing
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from '../run.ts';
import { startStub, stubTerminal, type StubAnswer } from './stub.ts';

interface Case {
  title: string;
  environment: Record<string, string>;
  input: string | Buffer | undefined;
  secret: string | undefined;
  tty: boolean;
  answers: StubAnswer[];
  bodies: Map<number, string>;
  headers: { index: number; name: string; value: string }[];
  command: string;
  output: string[];
  complaints: string[];
  exitCode: number;
}

function newCase(title: string): Case {
  return {
    title,
    environment: {},
    input: undefined,
    secret: undefined,
    tty: false,
    answers: [],
    bodies: new Map(),
    headers: [],
    command: '',
    output: [],
    complaints: [],
    exitCode: 0,
  };
}

function readScript(text: string): Case[] {
  const cases: Case[] = [];
  let current = newCase('');
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) {
      current = newCase(line.slice(2));
      cases.push(current);
    } else if (current.command === '') readSetUp(current, line);
    else if (/^exit \d+$/.test(line)) current.exitCode = Number(line.slice(5));
    else if (line === '!' || line.startsWith('! ')) current.complaints.push(line.slice(2));
    else current.output.push(line);
  }
  for (const one of cases) {
    while (one.output.at(-1) === '') one.output.pop();
  }
  return cases;
}

function readSetUp(current: Case, line: string): void {
  const rest = line.slice(line.indexOf(' ') + 1);
  const last = current.answers.length - 1;
  if (line.startsWith('env ')) {
    const equals = rest.indexOf('=');
    current.environment[rest.slice(0, equals)] = rest.slice(equals + 1);
  } else if (line === 'tty') current.tty = true;
  else if (line.startsWith('stdin ')) current.input = rest;
  else if (line.startsWith('bytes ')) current.input = Buffer.from(rest, 'hex');
  else if (line.startsWith('secret ')) current.secret = rest;
  else if (line.startsWith('< ')) {
    const [method = '', path = '', status = '', ...body] = rest.split(' ');
    current.answers.push({ method, path, status: Number(status), body: body.join(' ') });
  } else if (line.startsWith('> ')) current.bodies.set(last, rest);
  else if (line.startsWith('^ ')) {
    const colon = rest.indexOf(': ');
    const name = rest.slice(0, colon).toLowerCase();
    current.headers.push({ index: last, name, value: rest.slice(colon + 2) });
  } else if (line.startsWith('$ ')) current.command = rest;
  else assert.equal(line, '', `not a line of a script: ${line}`);
}

/** Words of a command line; single quotes keep spaces together. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));
}

async function replay(one: Case): Promise<void> {
  const stub = await startStub(one.answers);
  try {
    const terminal = stubTerminal({
      environment: {
        NO_COLOR: '1',
        VAULT_ADDR: stub.address,
        VAULT_TOKEN: 'hvs.mine',
        ...one.environment,
      },
      ...(one.input !== undefined && { input: one.input }),
      tty: one.tty,
      ...(one.secret !== undefined && { secret: one.secret }),
    });
    const exitCode = await run(words(one.command), terminal);
    const clean = (text: string): string[] =>
      text.replaceAll(stub.address, 'http://stub').replace(/\n$/, '').split('\n');
    assert.deepEqual(clean(terminal.complaints()), [
      ...one.complaints,
      ...(one.complaints.length === 0 ? [''] : []),
    ]);
    assert.deepEqual(clean(terminal.output()), one.output.length === 0 ? [''] : one.output);
    assert.equal(exitCode, one.exitCode);
    assert.equal(stub.seen.length, one.answers.length, 'every answer is asked for');
    for (const [index, body] of one.bodies) {
      assert.deepEqual(JSON.parse(stub.seen[index]?.body ?? ''), JSON.parse(body));
    }
    for (const { index, name, value } of one.headers) {
      assert.equal(stub.seen[index]?.headers[name], value, name);
    }
  } finally {
    await stub.close();
  }
}

const folder = new URL('.', import.meta.url);
for (const name of readdirSync(folder).filter((file) => file.endsWith('.script.txt'))) {
  for (const one of readScript(readFileSync(new URL(name, folder), 'utf8'))) {
    test(`${name}: ${one.title}`, () => replay(one));
  }
}
