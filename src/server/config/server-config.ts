/** The whole configuration: the tree of the files becomes one typed value, or an error that names the place. */
import {
  AUDIT_KEYS,
  BINDING_KEYS,
  SEAL_INSTEAD,
  SEAL_KEYS,
  STORAGE_INSTEAD,
  STORAGE_KEYS,
  TELEMETRY_KEYS,
  USER_LOCKOUT_KEYS,
  USER_LOCKOUT_METHODS,
} from './block-keys.ts';
import { ConfigError, blocksOf } from '../../base/config/config-tree.ts';
import { decodeBlock } from '../../base/config/decode-values.ts';
import { APIS, LISTENER_ADDRESS_DEFAULT, LISTENER_KEYS, LISTENER_KINDS } from './listener-keys.ts';
import { closestName } from '../../base/config/suggest.ts';
import { TOP_KEYS } from './top-keys.ts';
import type {
  AuditConfig,
  BindingConfig,
  SealConfig,
  StaticSealConfig,
  StorageConfig,
  TelemetryConfig,
  UserLockoutConfig,
} from './block-keys.ts';
import type { ConfigBlock, ConfigTree } from '../../base/config/config-tree.ts';
import type { DecodeContext } from '../../base/config/decode-values.ts';
import type { ListenerConfig } from './listener-keys.ts';
import type { TopConfig } from './top-keys.ts';

export interface ServerConfig extends TopConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly storage: StorageConfig;
  readonly seal: SealConfig;
  /** The seal that data still lies under while it moves to {@link seal}. */
  readonly sealBefore: StaticSealConfig | undefined;
  readonly audit: readonly AuditConfig[];
  readonly telemetry: TelemetryConfig;
  readonly userLockout: readonly UserLockoutConfig[];
  readonly bindings: readonly BindingConfig[];
}

/** The blocks of the top level and how many labels each has. */
export const BLOCKS = {
  listener: 1,
  storage: 1,
  seal: 1,
  audit: 2,
  telemetry: 0,
  user_lockout: 1,
  binding: 2,
} as const;

/** Older names of blocks, which files of many years still carry. */
const BLOCK_SYNONYMS: ReadonlyMap<string, keyof typeof BLOCKS> = new Map([['backend', 'storage']]);

/** Most blocks of one kind. */
const BLOCKS_MAX = 64;

/**
 * Decodes `tree`. Of a block or key that may stand only once the last one counts, so that a later file overrides an earlier one.
 * @throws {ConfigError}
 */
export function decodeConfig(
  tree: ConfigTree,
  where: string,
  context: DecodeContext,
): ServerConfig {
  const blocks = new Map<string, ConfigBlock[]>();
  const rest = tree.entries.filter((entry) => {
    const name = BLOCK_SYNONYMS.get(entry.key) ?? entry.key;
    if (!Object.hasOwn(BLOCKS, name)) return true;
    const found = blocksOf(entry, BLOCKS[name as keyof typeof BLOCKS]);
    const all = [...(blocks.get(name) ?? []), ...found];
    if (all.length > BLOCKS_MAX) {
      throw new ConfigError(entry.where, `more than ${BLOCKS_MAX} ${name} blocks`);
    }
    blocks.set(name, all);
    return false;
  });
  for (const entry of rest) {
    if (Object.hasOwn(TOP_KEYS, entry.key)) continue;
    const close = closestName(entry.key, [...Object.keys(TOP_KEYS), ...Object.keys(BLOCKS)]);
    const hint = close === undefined ? '' : ` (did you mean ${close}?)`;
    throw new ConfigError(entry.where, `unknown key ${entry.key}${hint}`);
  }
  const top = decodeBlock({ entries: rest }, TOP_KEYS, 'the configuration', where, context);
  if (top.defaultLeaseTtlSeconds > top.maxLeaseTtlSeconds) {
    throw new ConfigError(where, 'default_lease_ttl must not be longer than max_lease_ttl');
  }
  const seals = (blocks.get('seal') ?? []).map((block) => decodeSeal(block, context));
  return {
    ...top,
    listeners: (blocks.get('listener') ?? []).map((block) => decodeListener(block, context)),
    storage: decodeStorage(blocks.get('storage')?.at(-1), where, context),
    seal: seals.findLast((seal) => !isDisabled(seal)) ?? { kind: 'shamir' },
    sealBefore: seals.filter(isDisabled).at(-1),
    audit: decodeAudits(blocks.get('audit') ?? [], context),
    telemetry: decodeTelemetry(blocks.get('telemetry')?.at(-1), where, context),
    userLockout: (blocks.get('user_lockout') ?? []).map((block) => decodeLockout(block, context)),
    bindings: (blocks.get('binding') ?? []).map((block) => decodeBinding(block, context)),
  };
}

function isDisabled(seal: SealConfig): seal is StaticSealConfig {
  return seal.kind === 'static' && seal.disabled;
}

function labelOf<L extends string>(
  block: ConfigBlock,
  what: string,
  known: readonly L[],
  instead: Readonly<Record<string, string>> = {},
): L {
  const label = block.labels[0] ?? '';
  const found = known.find((name) => name === label);
  if (found !== undefined) return found;
  if (Object.hasOwn(instead, label)) {
    throw new ConfigError(block.where, `${what} "${label}" is not supported: ${instead[label]}`);
  }
  const choices = known.map((name) => `"${name}"`).join(', ');
  const close = closestName(label, known);
  const hint = close === undefined ? '' : ` (did you mean "${close}"?)`;
  throw new ConfigError(block.where, `unknown ${what} "${label}"${hint}; there are ${choices}`);
}

function decodeListener(block: ConfigBlock, context: DecodeContext): ListenerConfig {
  const kind = labelOf(block, 'listener', LISTENER_KINDS);
  const { where } = block;
  const values = decodeBlock(block.body, LISTENER_KEYS, `listener "${kind}"`, where, context);
  const unknown = values.apis.find((api) => !APIS.includes(api));
  if (unknown !== undefined || values.apis.length === 0) {
    throw new ConfigError(where, `apis must be among ${APIS.join(', ')}`);
  }
  if (kind === 'unix') {
    if (values.address === undefined) throw new ConfigError(where, 'listener "unix" needs address');
    return { ...values, kind, where };
  }
  if (!values.tlsDisable && (values.tlsCertFile === undefined || values.tlsKeyFile === undefined)) {
    throw new ConfigError(
      where,
      'listener "tcp" needs tls_cert_file and tls_key_file, or tls_disable = true',
    );
  }
  if (values.tlsRequireClientCert && values.tlsDisableClientCerts) {
    throw new ConfigError(
      where,
      'tls_require_and_verify_client_cert and tls_disable_client_certs exclude each other',
    );
  }
  if (values.tlsRequireClientCert && values.tlsClientCaFile === undefined) {
    throw new ConfigError(where, 'tls_require_and_verify_client_cert needs tls_client_ca_file');
  }
  return { ...values, kind, where, address: values.address ?? LISTENER_ADDRESS_DEFAULT };
}

function decodeStorage(
  block: ConfigBlock | undefined,
  where: string,
  context: DecodeContext,
): StorageConfig {
  if (block === undefined) {
    throw new ConfigError(where, 'a storage block is missing: storage "sqlite" { path = "…" }');
  }
  const kinds = ['sqlite', 'postgresql', 'inmem'] as const;
  const kind = labelOf(block, 'storage', kinds, STORAGE_INSTEAD);
  const title = `storage "${kind}"`;
  const { body } = block;
  if (kind === 'sqlite') {
    return { kind, ...decodeBlock(body, STORAGE_KEYS.sqlite, title, block.where, context) };
  }
  if (kind === 'postgresql') {
    return { kind, ...decodeBlock(body, STORAGE_KEYS.postgresql, title, block.where, context) };
  }
  decodeBlock(body, STORAGE_KEYS.inmem, title, block.where, context);
  return { kind };
}

function decodeSeal(block: ConfigBlock, context: DecodeContext): SealConfig {
  const kind = labelOf(block, 'seal', ['shamir', 'static'] as const, SEAL_INSTEAD);
  if (kind === 'shamir') {
    decodeBlock(block.body, SEAL_KEYS.shamir, 'seal "shamir"', block.where, context);
    return { kind };
  }
  const values = decodeBlock(block.body, SEAL_KEYS.static, 'seal "static"', block.where, context);
  if ((values.previousKey === undefined) !== (values.previousKeyId === undefined)) {
    throw new ConfigError(block.where, 'previous_key and previous_key_id go together');
  }
  return { kind, ...values };
}

function decodeAudits(blocks: readonly ConfigBlock[], context: DecodeContext): AuditConfig[] {
  const paths = new Set<string>();
  return blocks.map((block) => {
    const [type = '', name = ''] = block.labels;
    const path = `${name.replace(/\/$/, '')}/`;
    if (paths.has(path)) {
      throw new ConfigError(block.where, `there are two audit devices at "${path}"`);
    }
    paths.add(path);
    const title = `audit "${type}" "${name}"`;
    const values = decodeBlock(block.body, AUDIT_KEYS, title, block.where, context);
    return { ...values, type, path, where: block.where };
  });
}

function decodeBinding(block: ConfigBlock, context: DecodeContext): BindingConfig {
  const [protocol = '', name = ''] = block.labels;
  const title = `binding "${protocol}" "${name}"`;
  return {
    ...decodeBlock(block.body, BINDING_KEYS, title, block.where, context),
    protocol,
    name,
    where: block.where,
  };
}

function decodeTelemetry(
  block: ConfigBlock | undefined,
  where: string,
  context: DecodeContext,
): TelemetryConfig {
  const body = block?.body ?? { entries: [] };
  return decodeBlock(body, TELEMETRY_KEYS, 'telemetry', block?.where ?? where, context);
}

function decodeLockout(block: ConfigBlock, context: DecodeContext): UserLockoutConfig {
  const method = labelOf(block, 'user_lockout', USER_LOCKOUT_METHODS);
  const title = `user_lockout "${method}"`;
  return { ...decodeBlock(block.body, USER_LOCKOUT_KEYS, title, block.where, context), method };
}
