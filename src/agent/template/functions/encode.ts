/** Functions that write data down, hash it, or look at this machine. */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parse as parseYaml, stringify as writeYaml } from 'yaml';
import { TemplateError } from '../lex.ts';
import { plain, textOf, type Value } from '../values.ts';
import type { Clock } from '../../../base/clock.ts';
import type { TemplateFunction } from '../evaluate.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Largest local file that a template may take in. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export function encodeFunctions(around: Surroundings): Readonly<Record<string, TemplateFunction>> {
  const variable = (name: Value): string | undefined => around.environment[textOf(name, 'env')];
  return {
    toJSON: (value) => htmlSafe(JSON.stringify(plain(value))),
    toJSONPretty: (value) => htmlSafe(JSON.stringify(plain(value), null, 2)),
    toUnescapedJSON: (value) => JSON.stringify(plain(value)),
    toUnescapedJSONPretty: (value) => JSON.stringify(plain(value), null, 2),
    // Through JSON, which writes numbers as they came.
    toYAML: (value) => writeYaml(JSON.parse(JSON.stringify(plain(value)))).trimEnd(),
    parseYAML: (value) => {
      try {
        return parseYaml(textOf(value, 'parseYAML'), {
          schema: 'core',
          maxAliasCount: 100,
        }) as Value;
      } catch {
        throw new TemplateError('parseYAML wants YAML');
      }
    },
    sha256Hex: (value) => hash('sha256', value),
    md5sum: (value) => hash('md5', value),
    hmacSHA256Hex: (message, key) =>
      createHmac('sha256', textOf(key, 'hmacSHA256Hex'))
        .update(textOf(message, 'hmacSHA256Hex'))
        .digest('hex'),
    env: (name) => variable(name) ?? '',
    envOrDefault: (name, instead) => variable(name) ?? instead,
    mustEnv: (name) => {
      const value = variable(name);
      if (value === undefined) throw new TemplateError('mustEnv: the variable is not set');
      return value;
    },
    timestamp: (layout) => timestamp(around.clock.nowMs(), layout),
    file: (path) => readLocal(textOf(path, 'file')),
    regexMatch: () => refuse('regexMatch'),
    regexReplaceAll: () => refuse('regexReplaceAll'),
    key: () => consul('key'),
    keyOrDefault: () => consul('keyOrDefault'),
    ls: () => consul('ls'),
    tree: () => consul('tree'),
    service: () => consul('service'),
    services: () => consul('services'),
  };
}

function hash(algorithm: string, value: Value): string {
  return createHash(algorithm).update(textOf(value, algorithm)).digest('hex');
}

/** As Go's encoder writes it, so that it can stand in HTML. */
function htmlSafe(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function timestamp(nowMs: number, layout: Value): string {
  if (layout === undefined) return new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  if (layout === 'unix') return String(Math.floor(nowMs / 1000));
  throw new TemplateError('timestamp takes no layout here but "unix"');
}

function readLocal(path: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new TemplateError('the file is too large');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof TemplateError) throw cause;
    throw new TemplateError(`file: ${path} cannot be read`, { cause });
  }
}

function refuse(name: string): never {
  throw new TemplateError(`${name} is not there: use replaceAll, split, contains or eq`);
}

function consul(name: string): never {
  throw new TemplateError(`${name} asks a Consul server, which the agent does not talk to`);
}
