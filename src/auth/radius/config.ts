/** `config`: which RADIUS server judges names and passwords, and how it is asked. */
import { invalidRequest } from '../../model/errors.ts';
import type { Path } from '../../model/backend.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import { refuseRoot } from '../../model/root-policy.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';
import type { RadiusServer } from './exchange.ts';

const KEY = 'config';
const PORT_MAX = 65_535;
/** A login waits no longer than that. */
const TIMEOUT_SECONDS_MAX = 60;
const TEXT_LENGTH_MAX = 253;
const SECRET_LENGTH_MAX = 1024;
const POLICIES_MAX = 256;

export interface RadiusConfig {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly unregistered_user_policies: readonly string[];
  readonly dial_timeout: number;
  readonly read_timeout: number;
  readonly nas_port: number;
  readonly nas_identifier: string;
  readonly require_message_authenticator: boolean;
  readonly settings: TokenSettings;
}

const FRESH: RadiusConfig = {
  host: '',
  port: 1812,
  secret: '',
  unregistered_user_policies: [],
  dial_timeout: 10,
  read_timeout: 10,
  nas_port: 10,
  nas_identifier: '',
  require_message_authenticator: true,
  settings: FRESH_TOKEN_SETTINGS,
};

const FIELDS = {
  host: { kind: 'lower_string', description: 'Host of the server.' },
  port: { kind: 'int', description: 'Its port; 1812 unless said.' },
  secret: {
    kind: 'string',
    description: 'The secret that is shared with the server. It is never shown.',
    sensitive: true,
  },
  unregistered_user_policies: {
    kind: 'comma_string_list',
    description: 'Policies of those whom the server knows and users/ does not.',
  },
  dial_timeout: {
    kind: 'duration_seconds',
    description: 'Kept for tools that set it: nothing is dialled over UDP.',
  },
  read_timeout: {
    kind: 'duration_seconds',
    description: 'How long the answer is waited for, all tries together; 10 seconds unless said.',
  },
  nas_port: { kind: 'int', description: 'What is sent as NAS-Port; 10 unless said.' },
  nas_identifier: { kind: 'string', description: 'What is sent as NAS-Identifier.' },
  require_message_authenticator: {
    kind: 'bool',
    description:
      'Believes only answers with a Message-Authenticator, which cannot be forged on the way (CVE-2024-3596); true unless said.',
  },
  ...TOKEN_FIELDS,
} as const satisfies FieldSet;

/** Not through the cache of decoded records: it holds a secret. */
export async function configOf(store: Reader): Promise<RadiusConfig | undefined> {
  return await store.getJson<RadiusConfig>(KEY);
}

export function serverOf(config: RadiusConfig): RadiusServer {
  return {
    host: config.host,
    port: config.port,
    secret: config.secret,
    timeoutMs: config.read_timeout * 1000,
    needsMessageAuthenticator: config.require_message_authenticator,
  };
}

function check(config: RadiusConfig): void {
  if (config.host === '') throw invalidRequest('config parameter `host` cannot be empty');
  if (config.secret === '') throw invalidRequest('config parameter `secret` cannot be empty');
  if (config.host.length > TEXT_LENGTH_MAX || config.nas_identifier.length > TEXT_LENGTH_MAX)
    throw invalidRequest('a setting is too long');
  if (config.secret.length > SECRET_LENGTH_MAX) throw invalidRequest('the secret is too long');
  if (config.port < 1 || config.port > PORT_MAX) throw invalidRequest("invalid 'port'");
  if (config.read_timeout < 1 || config.read_timeout > TIMEOUT_SECONDS_MAX)
    throw invalidRequest(`'read_timeout' must be between 1 and ${TIMEOUT_SECONDS_MAX} seconds`);
  if (config.nas_port < 0) throw invalidRequest("'nas_port' cannot be negative");
  refuseRoot(config.unregistered_user_policies);
  if (config.unregistered_user_policies.length > POLICIES_MAX)
    throw invalidRequest(`at most ${POLICIES_MAX} policies are allowed`);
}

async function write(request: Request, store: Transaction): Promise<undefined> {
  const before = (await configOf(store)) ?? FRESH;
  const sent = request.fields;
  const known = Object.keys(FRESH).filter((name) => sent[name] !== undefined);
  const given = Object.fromEntries(known.map((name) => [name, sent[name]]));
  const settings = mergeTokenSettings(before.settings, sent);
  const config: RadiusConfig = { ...before, ...given, settings };
  check(config);
  store.putJson(KEY, config);
}

export const configPath: Path = settingsPath<FieldSet>({
  pattern: 'config',
  fields: FIELDS,
  synopsis: 'Says which RADIUS server judges names and passwords.',
  async read(store) {
    const config = await configOf(store);
    if (config === undefined) return undefined;
    const { secret: _secret, settings, ...shown } = config;
    return { ...shown, ...shownTokenSettings(settings) };
  },
  write,
});
