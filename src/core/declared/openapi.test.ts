/** Help and OpenAPI: everything declared is there, references hold, nothing secret is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definePath } from '../../model/backend.ts';
import type { Backend } from '../../model/backend.ts';
import { backendHelp, pathHelp } from './help.ts';
import { mountSection, openApiDocument, pathDocument } from './openapi.ts';

const handler = (): undefined => undefined;

const backend: Backend = {
  type: 'demo',
  kind: 'secret',
  summary: 'Demonstrates.',
  paths: [
    definePath({
      pattern: 'roles/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the role.' },
        ttl: { kind: 'duration_seconds', description: 'Life of what it makes.', default: 30 },
        secret: { kind: 'string', description: 'Its secret.', sensitive: true, required: true },
      },
      operations: {
        read: { summary: 'Read a role.', handler },
        create: { summary: 'Make a role.', handler },
        update: { summary: 'Change a role.', handler },
        delete: { summary: 'Delete a role.', handler },
      },
      exists: () => Promise.resolve(false),
      help: { synopsis: 'Roles.', description: 'What a role is.' },
    }),
    definePath({
      pattern: 'roles',
      fields: { after: { kind: 'string', description: 'Start after this name.' } },
      operations: { list: { summary: 'List roles.', handler } },
      help: { synopsis: 'Names of roles.' },
    }),
    definePath({
      pattern: 'creds[/{name:any}]',
      fields: { name: { kind: 'string', description: 'Name of the role.' } },
      operations: { read: { summary: 'Make credentials.', handler } },
      sudo: true,
      help: { synopsis: 'Credentials.' },
    }),
  ],
};

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
}
interface Shown {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> };
}

function documentAt(prefix: string): Shown {
  const section = { backend: backend as unknown as Backend<never>, prefix };
  return openApiDocument([section], '1.0.0') as unknown as Shown;
}

test('every path, with both forms of an optional end', () => {
  assert.deepEqual(Object.keys(documentAt('/demo/').paths), [
    '/demo/creds',
    '/demo/creds/{name}',
    '/demo/roles/',
    '/demo/roles/{name}',
  ]);
});

test('operations, parameters and marks', () => {
  const { paths } = documentAt('/demo/');
  const role = paths['/demo/roles/{name}'] ?? {};
  assert.deepEqual(Object.keys(role), [
    'description',
    'parameters',
    'x-vault-createSupported',
    'get',
    'post',
    'delete',
  ]);
  assert.equal(role['post']?.operationId, 'demo-write-roles-name');
  const list = paths['/demo/roles/']?.['get'];
  assert.deepEqual(
    list?.parameters?.map(({ name }) => name),
    ['after', 'list'],
  );
  assert.equal(paths['/demo/creds']?.['x-vault-sudo'], true);
});

test('every reference leads to a schema, and defaults of secrets stay out', () => {
  const shown = documentAt('/demo/');
  const references = [...JSON.stringify(shown).matchAll(/"#\/components\/schemas\/([^"]+)"/g)];
  assert.ok(references.length > 0);
  for (const [, name = ''] of references) assert.ok(shown.components.schemas[name], name);
  assert.deepEqual(shown.components.schemas['DemoWriteRolesNameRequest'], {
    type: 'object',
    properties: {
      ttl: {
        description: 'Life of what it makes.',
        type: 'integer',
        format: 'seconds',
        default: 30,
      },
      secret: {
        description: 'Its secret.',
        type: 'string',
        'x-vault-displayAttrs': { sensitive: true },
      },
    },
    required: ['secret'],
  });
});

test('a mount is named by its path, or by a parameter', () => {
  const mount = { path: 'auth/my-role/', backend: backend as unknown as Backend<never> };
  assert.equal(mountSection(mount, false).prefix, '/auth/my-role/');
  const generic = mountSection(mount, true);
  assert.equal(generic.prefix, '/auth/{my_role_mount_path}/');
  const shown = openApiDocument([generic], '1.0.0') as unknown as Shown;
  const names = shown.paths['/auth/{my_role_mount_path}/roles/{name}']?.['parameters'];
  assert.deepEqual(
    (names as unknown as { name: string }[]).map(({ name }) => name),
    ['name', 'my_role_mount_path'],
  );
  const token = { path: 'auth/token/', backend: { ...mount.backend, type: 'token' } };
  assert.equal(mountSection(token, true).prefix, '/auth/token/');
});

test('one path alone', () => {
  const [path] = backend.paths;
  assert.ok(path);
  const shown = pathDocument(backend, path, '1.0.0') as unknown as Shown;
  assert.deepEqual(Object.keys(shown.paths), ['/roles/{name}']);
});

test('help names the request, the fields in order, and the description', () => {
  const [path] = backend.paths;
  assert.ok(path);
  const help = pathHelp(path, 'roles/x');
  assert.match(help, /^Request: {8}roles\/x\nMatching Route: roles\/\{name\}\n/);
  assert.ok(help.indexOf('    name (string)') < help.indexOf('    secret (string)'));
  assert.match(help, /ttl \(duration \(sec\)\)\n\n {8}Life of what it makes\. Default: 30\./);
  assert.match(help, /## DESCRIPTION\n\nWhat a role is\.\n$/);
  for (const line of help.split('\n')) assert.ok(line.length <= 80, line);
  assert.match(backendHelp(backend), /## PATHS[^]*creds\[\/\{name:any\}\]\n {8}Credentials\.\n/);
});

test('an engine and an auth method of one name share no operation and no schema', () => {
  const sections = [
    { backend: backend as unknown as Backend<never>, prefix: '/demo/' },
    {
      backend: { ...backend, kind: 'auth' } as unknown as Backend<never>,
      prefix: '/auth/demo/',
    },
  ];
  const { paths, components } = openApiDocument(sections, '1.0.0') as unknown as Shown;
  const ids = Object.values(paths).flatMap((item) =>
    Object.values(item).flatMap((operation) => operation?.operationId ?? []),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(Object.keys(components.schemas).sort(), [
    'DemoWriteRolesNameAuthRequest',
    'DemoWriteRolesNameRequest',
  ]);
});
