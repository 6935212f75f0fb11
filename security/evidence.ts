/** What tests look for in what the server wrote, and what they take out of its answers. */
import assert from 'node:assert/strict';
import type { AuditDeviceSpec } from '../src/audit/broker.ts';

/** The lines that hold `secret`, shortened for a message. */
export function linesWith(text: string, secret: string): readonly string[] {
  if (!text.includes(secret)) return [];
  return text
    .split('\n')
    .filter((line) => line.includes(secret))
    .map((line) => {
      const at = line.indexOf(secret);
      return `…${line.slice(Math.max(0, at - 200), at + 100)}…`;
    });
}

/** The text at `keys` inside an answer; it must be there. */
export function textOf(value: unknown, ...keys: readonly string[]): string {
  let found = value;
  for (const key of keys) found = (found as Record<string, unknown> | undefined)?.[key];
  assert.equal(typeof found, 'string', `no ${keys.join('.')}`);
  return String(found);
}

/** A declared file audit device. */
export function auditDevice(
  path: string,
  file: string,
  options: Readonly<Record<string, string>> = {},
): AuditDeviceSpec {
  return {
    path,
    type: 'file',
    description: '',
    options: { file_path: file, ...options },
    local: false,
    salt: path,
    declared: true,
  };
}
