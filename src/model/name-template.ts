/**
 * Names of accounts that engines make, by a template in Go's language (`username_template`): who asked, by which role, and
 * something random, cut to what the target takes.
 */
import { createHash } from 'node:crypto';
import { formatGoTime } from '../base/template/go-time.ts';
import { base62, uuid } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { TemplateError, compileTemplate } from '../base/template/template.ts';
import type { TemplateData, TemplateFunctions } from '../base/template/template.ts';
import { checked } from '../base/template/values.ts';

/** Longest run of random characters that a template may ask for. */
const RANDOM_LENGTH_MAX = 1024;
const HASH_LENGTH = 8;

export interface NameContext {
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface NameTemplate {
  /** @throws {TemplateError} */
  name(data: TemplateData, context: NameContext): string;
}

/** What can be said before the time and the random source are known: the rest is made per name. */
const NAMES = [
  'random',
  'truncate',
  'truncate_sha256',
  'uppercase',
  'lowercase',
  'replace',
  'sha256',
  'base64',
  'decode_base64',
  'hex',
  'decode_hex',
  'unix_time',
  'unix_time_millis',
  'timestamp',
  'uuid',
  'glob',
  'utf16le',
];

/**
 * Compiles a template and tries it once with empty fields of these names.
 * @throws {TemplateError}
 */
export function compileNameTemplate(template: string, fields: readonly string[]): NameTemplate {
  if (template === '') throw new TemplateError('missing template');
  const compiled = compileTemplate(template, NAMES);
  const trial = Object.fromEntries(fields.map((field) => [field, '']));
  compiled.execute(
    trial,
    functionsOf({ random: { bytes: (length) => Buffer.alloc(length) }, nowMs: 0 }),
  );
  return { name: (data, context) => compiled.execute(data, functionsOf(context)) };
}

function functionsOf({ random, nowMs }: NameContext): TemplateFunctions {
  return {
    random: checked(['number'], (length: number) => {
      if (length <= 0 || length > RANDOM_LENGTH_MAX) throw new TemplateError('invalid length');
      return base62(random, length);
    }),
    truncate: checked(['number', 'string'], (length: number, text: string) => {
      if (length <= 0) throw new TemplateError('max length must be > 0');
      return text.slice(0, length);
    }),
    truncate_sha256: checked(['number', 'string'], (length: number, text: string) => {
      if (length <= HASH_LENGTH) throw new TemplateError(`max length must be > ${HASH_LENGTH}`);
      if (text.length <= length) return text;
      const kept = length - HASH_LENGTH;
      return text.slice(0, kept) + sha256(text.slice(kept)).slice(0, HASH_LENGTH);
    }),
    uppercase: checked(['string'], (text: string) => text.toUpperCase()),
    lowercase: checked(['string'], (text: string) => text.toLowerCase()),
    replace: checked(['string', 'string', 'string'], (find: string, by: string, text: string) =>
      text.replaceAll(find, () => by),
    ),
    sha256: checked(['string'], sha256),
    base64: checked(['string'], (text: string) => Buffer.from(text).toString('base64')),
    decode_base64: checked(['string'], (text: string) => Buffer.from(text, 'base64').toString()),
    hex: checked(['string'], (text: string) => Buffer.from(text).toString('hex')),
    decode_hex: checked(['string'], (text: string) => Buffer.from(text, 'hex').toString()),
    unix_time: checked([], () => String(Math.floor(nowMs / 1000))),
    unix_time_millis: checked([], () => String(nowMs)),
    timestamp: checked(['string'], (layout: string) => formatGoTime(layout, nowMs)),
    uuid: checked([], () => uuid(random)),
    glob: checked(['string', 'string'], matchesGlob),
    // Its bytes as characters: for `base64`, in passwords of Active Directory.
    utf16le: checked(['string'], (text: string) => Buffer.from(text, 'utf16le').toString('latin1')),
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `*` stands for any run of characters, at either end or between; linear in the length of the text. */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  if (parts.length === 1) return pattern === text;
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= text.length;
}
