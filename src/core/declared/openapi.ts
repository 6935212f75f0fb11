/** An OpenAPI 3.0 document from declarations: paths, parameters, bodies, and Vault's `x-vault-*` marks. */
import type { Backend, DeclaredOperation, Path } from '../../model/backend.ts';
import type { Field, FieldKind } from '../../model/field.ts';
import { expandPattern } from './paths.ts';

type Json = Readonly<Record<string, unknown>>;

/** One mount to describe. */
export interface Section {
  readonly backend: Backend<never>;
  /** Where its paths lie, from the root of the API: `/secret/`, `/auth/approle/`; `/` for a mount on its own. */
  readonly prefix: string;
  /** The path parameter that stands for the mount in `prefix`, when it does not name a real one. */
  readonly mountParameter?: { readonly name: string; readonly example: string };
}

interface Schema {
  readonly type: string;
  readonly format?: string;
  readonly items?: { readonly type: string };
}

const SCHEMAS: { readonly [K in Exclude<FieldKind, 'any'>]: Schema } = {
  string: { type: 'string' },
  lower_string: { type: 'string', format: 'lowercase' },
  bool: { type: 'boolean' },
  int: { type: 'integer' },
  float: { type: 'number', format: 'float' },
  duration_seconds: { type: 'integer', format: 'seconds' },
  signed_duration_seconds: { type: 'integer', format: 'seconds' },
  map: { type: 'object', format: 'map' },
  string_map: { type: 'object', format: 'kvpairs' },
  list: { type: 'array', items: { type: 'object' } },
  string_list: { type: 'array', items: { type: 'string' } },
  comma_string_list: { type: 'array', items: { type: 'string' } },
  comma_int_list: { type: 'array', items: { type: 'integer' } },
  time: { type: 'string', format: 'date-time' },
};

function schemaOf(field: Field): Json {
  const schema = field.kind === 'any' ? {} : SCHEMAS[field.kind];
  const shownDefault = field.default !== undefined && field.sensitive !== true;
  return {
    ...schema,
    ...(field.allowedValues === undefined ? {} : { enum: field.allowedValues }),
    ...(shownDefault ? { default: field.default } : {}),
    ...(field.sensitive === true ? { 'x-vault-displayAttrs': { sensitive: true } } : {}),
  };
}

const TAGS: { readonly [K in Backend['kind']]: string } = {
  secret: 'secrets',
  auth: 'auth',
  system: 'system',
};

const PARAM = /\{([A-Za-z0-9_]+)(?::any|:uuid|:hex|\.\.[.+])?\}/g;

/** `roles/{name:any}` as OpenAPI writes it: `roles/{name}`. */
function templateOf(pattern: string): string {
  return pattern.replace(PARAM, '{$1}');
}

/** Those that a pattern stands for; a slash that may stand at its end makes no other path. */
function templatesOf(pattern: string): readonly string[] {
  return expandPattern(pattern).filter(
    (each, _at, all) => !all.includes(each.replace(/\/$/, '')) || !each.endsWith('/'),
  );
}

function paramsOf(pattern: string): string[] {
  return [...pattern.matchAll(PARAM)].map((match) => match[1] ?? '');
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** The words of a template without its parameters' braces: `data/{path}` is `data`, `path`. */
function wordsOf(template: string): string[] {
  return template.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
}

type Method = 'get' | 'post' | 'patch' | 'delete';

interface Described {
  readonly method: Method;
  readonly verb: string;
  readonly operation: DeclaredOperation;
  readonly list: boolean;
}

/** Which operations stand for which method on the path itself. `create` and `update` are one `POST`. */
const METHODS: readonly Described[] = [
  { method: 'get', verb: 'read', operation: 'read', list: false },
  { method: 'post', verb: 'write', operation: 'update', list: false },
  { method: 'post', verb: 'write', operation: 'create', list: false },
  { method: 'patch', verb: 'patch', operation: 'patch', list: false },
  { method: 'delete', verb: 'delete', operation: 'delete', list: false },
];
/** Listing is a `GET` of the folder, with `list=true`: OpenAPI has no `LIST`. */
const LISTING: readonly Described[] = [
  { method: 'get', verb: 'list', operation: 'list', list: true },
];

const LIST_PARAMETER: Json = {
  name: 'list',
  description: 'Must be set to `true`',
  in: 'query',
  schema: { type: 'string', enum: ['true'] },
  required: true,
};

/** Collects what the sections say; one per document. */
class Document {
  readonly #paths = new Map<string, Json>();
  readonly #schemas = new Map<string, Json>();

  add(section: Section): void {
    for (const path of section.backend.paths) {
      for (const pattern of templatesOf(path.pattern)) this.#addPath(section, path, pattern);
    }
  }

  #addPath(section: Section, path: Path<never>, pattern: string): void {
    const template = templateOf(pattern);
    const itself = this.#itemOf(section, path, pattern, METHODS);
    if (itself !== undefined) this.#paths.set(section.prefix + template, itself);
    const listing = this.#itemOf(section, path, pattern, LISTING);
    if (listing !== undefined) {
      const folder = template === '' || template.endsWith('/') ? template : `${template}/`;
      this.#paths.set(section.prefix + folder, listing);
    }
  }

  #itemOf(
    section: Section,
    path: Path<never>,
    pattern: string,
    rows: readonly Described[],
  ): Json | undefined {
    const methods: Record<string, Json> = {};
    for (const row of rows) {
      if (path.operations[row.operation] === undefined || methods[row.method] !== undefined)
        continue;
      methods[row.method] = this.#operationOf(section, path, pattern, row);
    }
    if (Object.keys(methods).length === 0) return undefined;
    const parameters = pathParameters(section, path, pattern);
    return {
      description: path.help.synopsis,
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(path.exists === undefined && path.operations.create === undefined
        ? {}
        : { 'x-vault-createSupported': true }),
      ...((path.sudo ?? false) !== false ? { 'x-vault-sudo': true } : {}),
      ...((path.unauthenticated ?? false) !== false || path.login === true
        ? { 'x-vault-unauthenticated': true }
        : {}),
      ...methods,
    };
  }

  #operationOf(section: Section, path: Path<never>, pattern: string, row: Described): Json {
    const { backend } = section;
    const declared = path.operations[row.operation];
    const place = [backend.type, row.verb, ...wordsOf(templateOf(pattern))].flatMap(wordsOf);
    // An engine and an auth method may have one name (ldap, kubernetes), and both a `config`.
    const words = backend.kind === 'auth' ? [...place, 'auth'] : place;
    const hasBody = row.method === 'post' || row.method === 'patch';
    const query = queryParameters(path, pattern, row);
    const body = hasBody ? this.#bodyOf(path, pattern, words) : undefined;
    return {
      summary: declared?.summary ?? '',
      operationId: words.join('-'),
      tags: [TAGS[backend.kind]],
      ...(declared?.deprecated === true ? { deprecated: true } : {}),
      ...(query.length === 0 ? {} : { parameters: query }),
      ...(body === undefined ? {} : { requestBody: body }),
      responses:
        row.method === 'delete'
          ? { '204': { description: 'empty body' } }
          : { '200': { description: 'OK' } },
    };
  }

  #bodyOf(path: Path<never>, pattern: string, words: readonly string[]): Json | undefined {
    const inPath = new Set(paramsOf(pattern));
    const properties: Record<string, Json> = {};
    const required: string[] = [];
    for (const [name, field] of Object.entries(path.fields)) {
      if (inPath.has(name) || field.query === true) continue;
      properties[name] = {
        description: field.description,
        ...schemaOf(field),
        ...(field.deprecated === true ? { deprecated: true } : {}),
      };
      if (field.required === true) required.push(name);
    }
    const open = path.arbitraryData === true;
    if (Object.keys(properties).length === 0 && !open) return undefined;
    const name = `${words.map(capitalized).join('')}Request`;
    this.#schemas.set(name, {
      type: 'object',
      properties,
      ...(open ? { additionalProperties: true } : {}),
      ...(required.length === 0 ? {} : { required }),
    });
    return {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
    };
  }

  finish(version: string): Json {
    return {
      openapi: '3.0.2',
      info: {
        title: 'Strongroom API',
        description: 'The Vault API of Strongroom. All routes begin with `/v1/`.',
        version,
        license: {
          name: 'Mozilla Public License 2.0',
          url: 'https://www.mozilla.org/en-US/MPL/2.0',
        },
      },
      paths: sorted(this.#paths),
      components: { schemas: sorted(this.#schemas) },
    };
  }
}

function sorted(map: ReadonlyMap<string, Json>): Json {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pathParameters(section: Section, path: Path<never>, pattern: string): Json[] {
  const parameters: Json[] = paramsOf(pattern).map((name) => {
    const field = path.fields[name];
    return {
      name,
      description: field?.description ?? '',
      in: 'path',
      schema: field === undefined ? { type: 'string' } : schemaOf(field),
      required: true,
    };
  });
  const mount = section.mountParameter;
  if (mount !== undefined) {
    parameters.push({
      name: mount.name,
      description: 'Path that the backend was mounted at',
      in: 'path',
      schema: { type: 'string', default: mount.example },
      required: true,
    });
  }
  return parameters;
}

/** Fields of a request without a body come from the query; of one with a body only those marked so. */
function queryParameters(path: Path<never>, pattern: string, row: Described): Json[] {
  const inPath = new Set(paramsOf(pattern));
  const writable = path.operations.update ?? path.operations.create ?? path.operations.patch;
  const fields = Object.entries(path.fields).filter(([name, field]) => {
    if (inPath.has(name)) return false;
    if (field.query === true) return true;
    // A path that is also written to shares its fields with the body; which of them a read takes is not declared.
    return row.method === 'get' && writable === undefined;
  });
  const parameters = fields.map(([name, field]) => ({
    name,
    description: field.description,
    in: 'query',
    schema: schemaOf(field),
  }));
  return row.list ? [...parameters, LIST_PARAMETER] : parameters;
}

/** @param version of this program, or of the API that it stands in for */
export function openApiDocument(sections: readonly Section[], version: string): Json {
  const document = new Document();
  for (const section of sections) document.add(section);
  return document.finish(version);
}

/** Of these every namespace has exactly one, at a fixed place. */
const SINGLETONS: ReadonlySet<string> = new Set(['system', 'token', 'identity', 'cubbyhole']);

/**
 * The section of a mount, whose path ends in a slash and for an auth method begins with `auth/`.
 * @param generic put a path parameter in the place of the mount's own path
 */
export function mountSection(
  mount: { readonly path: string; readonly backend: Backend<never> },
  generic: boolean,
): Section {
  const { path, backend } = mount;
  if (!generic || SINGLETONS.has(backend.type)) return { backend, prefix: `/${path}` };
  const group = path.startsWith('auth/') ? 'auth/' : '';
  const example = path.slice(group.length, -1);
  const name = `${example.replaceAll(/[^A-Za-z0-9]/g, '_')}_mount_path`;
  return { backend, prefix: `/${group}{${name}}/`, mountParameter: { name, example } };
}

/** The part of a document that describes one path of a backend: what `?help=1` answers. */
export function pathDocument<S>(backend: Backend<S>, path: Path<S>, version: string): Json {
  const only = { ...backend, paths: [path] } as unknown as Backend<never>;
  return openApiDocument([{ backend: only, prefix: '/' }], version);
}
