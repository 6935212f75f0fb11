/** How the agent logs in: what each method reads on this machine, and what it sends. */
import { readFile, unlink } from 'node:fs/promises';
import { ConfigError } from '../../base/config/config-tree.ts';
import type { Client } from '../../client/client.ts';
import type { JsonObject } from '../../client/json.ts';
import type { MethodConfig } from '../config/agent-config.ts';

/** What a login sends, or a token that is there already. */
export type Credentials =
  | { readonly path: string; readonly body: JsonObject; readonly client?: Client }
  | { readonly token: string };

export interface AgentMethod {
  /** Reads anew what the login shows. Files that are read once are removed by {@link accepted}. */
  credentials(client: Client): Promise<Credentials>;
  /** The login succeeded. */
  accepted(): Promise<void>;
}

interface MethodKind {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly make: (config: Options, path: string) => AgentMethod;
}

type Options = Readonly<Record<string, string>>;

/** Largest credential read. */
const CREDENTIAL_BYTES_MAX = 64 * 1024;
const KUBERNETES_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const KINDS: ReadonlyMap<string, MethodKind> = new Map<string, MethodKind>([
  [
    'approle',
    {
      required: ['role_id_file_path'],
      optional: [
        'secret_id_file_path',
        'remove_secret_id_file_after_reading',
        'secret_id_response_wrapping_path',
      ],
      make: approle,
    },
  ],
  [
    'jwt',
    {
      required: ['path', 'role'],
      optional: ['remove_jwt_after_reading', 'remove_jwt_follows_symlinks', 'skip_verify'],
      make: (options, mount) => {
        const jwt = onceFile(options['path'] ?? '', removes(options, 'remove_jwt_after_reading'));
        return fileLogin(mount, { role: options['role'] ?? '' }, 'jwt', jwt);
      },
    },
  ],
  [
    'kubernetes',
    {
      required: ['role'],
      optional: ['token_path'],
      make: (options, mount) => {
        const token = onceFile(options['token_path'] ?? KUBERNETES_TOKEN, false);
        return fileLogin(mount, { role: options['role'] ?? '' }, 'jwt', token);
      },
    },
  ],
  [
    'cert',
    {
      required: [],
      optional: ['name', 'ca_cert', 'client_cert', 'client_key', 'reload'],
      make: certificate,
    },
  ],
  [
    'token_file',
    {
      required: ['token_file_path'],
      optional: [],
      make: (options) => {
        const file = onceFile(options['token_file_path'] ?? '', false);
        return {
          credentials: async () => ({ token: await file.read() }),
          accepted: async () => {},
        };
      },
    },
  ],
]);

/** @throws {ConfigError} for an unknown method, a missing or an unknown option */
export function makeMethod(config: MethodConfig): AgentMethod {
  const kind = KINDS.get(config.type);
  if (kind === undefined) {
    const known = [...KINDS.keys()].map((name) => `"${name}"`).join(', ');
    throw new ConfigError(config.where, `unknown method "${config.type}"; there are ${known}`);
  }
  const options = config.config ?? {};
  const title = `the config of method "${config.type}"`;
  for (const name of kind.required) {
    if ((options[name] ?? '') === '') throw new ConfigError(config.where, `${title} needs ${name}`);
  }
  const unknown = Object.keys(options).find(
    (name) => !kind.required.includes(name) && !kind.optional.includes(name),
  );
  if (unknown !== undefined)
    throw new ConfigError(config.where, `unknown key ${unknown} in ${title}`);
  const mount = (config.mountPath ?? `auth/${config.type}`).replaceAll(/^\/+|\/+$/g, '');
  return kind.make(options, mount);
}

function removes(options: Options, name: string): boolean {
  return (options[name] ?? 'true') !== 'false';
}

interface CredentialFile {
  read(): Promise<string>;
  accepted(): Promise<void>;
}

/** A file that may be there for one reading only: what it said is remembered for later logins. */
function onceFile(path: string, removed: boolean): CredentialFile {
  let remembered: string | undefined;
  return {
    async read(): Promise<string> {
      try {
        const bytes = await readFile(path);
        if (bytes.length > CREDENTIAL_BYTES_MAX) throw new Error(`${path} is too large`);
        const text = bytes.toString('utf8').trim();
        if (text === '') throw new Error(`${path} is empty`);
        remembered = text;
      } catch (cause) {
        const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
        if (!removed || !gone || remembered === undefined) throw cause;
      }
      return remembered;
    },
    async accepted(): Promise<void> {
      if (removed) await unlink(path).catch(() => {});
    },
  };
}

function fileLogin(
  mount: string,
  body: JsonObject,
  field: string,
  file: CredentialFile,
): AgentMethod {
  return {
    credentials: async () => ({
      path: `${mount}/login`,
      body: { ...body, [field]: await file.read() },
    }),
    accepted: () => file.accepted(),
  };
}

function approle(options: Options, mount: string): AgentMethod {
  const roleId = onceFile(options['role_id_file_path'] ?? '', false);
  const secretPath = options['secret_id_file_path'] ?? '';
  const wrappedAt = options['secret_id_response_wrapping_path'] ?? '';
  const secretId = onceFile(secretPath, removes(options, 'remove_secret_id_file_after_reading'));
  let opened: { readonly wrapped: string; readonly secretId: string } | undefined;
  return {
    async credentials(client) {
      const body: JsonObject = { role_id: await roleId.read() };
      if (secretPath !== '') {
        const written = await secretId.read();
        if (wrappedAt !== '' && opened?.wrapped !== written) {
          opened = { wrapped: written, secretId: await openSecretId(client, written, wrappedAt) };
        }
        body['secret_id'] = wrappedAt === '' ? written : (opened?.secretId ?? '');
      }
      return { path: `${mount}/login`, body };
    },
    accepted: () => (secretPath === '' ? Promise.resolve() : secretId.accepted()),
  };
}

/** Only a wrapping token that the expected path has made is opened: another one may have been put there. */
async function openSecretId(client: Client, token: string, expected: string): Promise<string> {
  const lookup = await client.write('sys/wrapping/lookup', { token });
  const path = lookup?.data?.['creation_path'];
  if (path !== expected.replace(/^\/+/, '')) {
    throw new Error('the wrapped secret ID was not made at secret_id_response_wrapping_path');
  }
  const secret = await client.with({ token: undefined }).unwrap(token);
  const secretId = secret?.data?.['secret_id'];
  if (typeof secretId !== 'string') throw new Error('what was wrapped is no secret ID');
  return secretId;
}

function certificate(options: Options, mount: string): AgentMethod {
  const files = {
    ...(options['client_cert'] !== undefined && { certFile: options['client_cert'] }),
    ...(options['client_key'] !== undefined && { keyFile: options['client_key'] }),
    ...(options['ca_cert'] !== undefined && { caFile: options['ca_cert'] }),
  };
  return {
    credentials: async (client) => ({
      path: `${mount}/login`,
      body: options['name'] === undefined ? {} : { name: options['name'] },
      // A client of its own, so that the files are read again with each login.
      client: client.with({ tls: { ...client.tls, ...files } }),
    }),
    accepted: async () => {},
  };
}
