/** After sealing, no key is left anywhere in the memory of the process: another process looks (Linux only). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { drawnBytes } from './key-memory.contract.ts';

const PROGRAM = new URL('key-memory.contract.ts', import.meta.url).pathname;
const KEY_BYTES = 32;
/** A mapping larger than this is address space that was only reserved. */
const MAPPING_BYTES_MAX = 1024 ** 3;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** How often each secret of 32 bytes that the program drew is found in its writable memory. */
async function copiesLeft(mode: 'open' | 'sealed'): Promise<number[]> {
  const child = spawn(process.execPath, [PROGRAM, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: child.stdout });
    const line = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', (code) => reject(new Error(`the program ended with ${code}`)));
    });
    const draws = JSON.parse(line) as number[];
    const keys = draws.flatMap((length, call) => {
      if (length !== KEY_BYTES) return [];
      const key = Buffer.alloc(KEY_BYTES);
      drawnBytes(call, key);
      return [key];
    });
    return countIn(child.pid ?? 0, keys);
  } finally {
    child.stdin.end();
    child.kill();
  }
}

function countIn(pid: number, keys: readonly Buffer[]): number[] {
  const counts = keys.map(() => 0);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const found = /^(?<from>[0-9a-f]+)-(?<to>[0-9a-f]+) rw/.exec(line)?.groups;
      if (found === undefined) continue;
      const from = Number.parseInt(found['from'] ?? '', 16);
      const size = Number.parseInt(found['to'] ?? '', 16) - from;
      if (size > MAPPING_BYTES_MAX) continue;
      const bytes = readMapping(memory, from, size);
      keys.forEach(
        (key, index) => (counts[index] = (counts[index] ?? 0) + occurrences(bytes, key)),
      );
    }
  } finally {
    closeSync(memory);
  }
  return counts;
}

/** What can be read of a mapping from its start. */
function readMapping(memory: number, from: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let read = 0;
  while (read < size) {
    try {
      const length = Math.min(CHUNK_BYTES, size - read);
      const count = readSync(memory, bytes, read, length, from + read);
      if (count === 0) break;
      read += count;
    } catch {
      break;
    }
  }
  return bytes.subarray(0, read);
}

function occurrences(bytes: Buffer, key: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) count++;
  return count;
}

test('sealing leaves no copy of any key', { skip: process.platform !== 'linux' }, async () => {
  const open = await copiesLeft('open');
  assert.ok(open.length >= 12, 'unseal and root keys, terms, purposes, a namespace');
  assert.ok(open.filter((count) => count > 0).length >= 8, 'the search finds keys in use');
  const sealed = await copiesLeft('sealed');
  assert.deepEqual(
    sealed,
    sealed.map(() => 0),
  );
});
