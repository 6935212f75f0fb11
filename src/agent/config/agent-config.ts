/** The agent's configuration, in the format of Vault's and OpenBao's agents: HCL or JSON, decoded into one typed value. */
import { ConfigError, blocksOf, isTree } from '../../base/config/config-tree.ts';
import { decodeBlock } from '../../base/config/decode-values.ts';
import { readConfigFiles } from '../../base/config/read-config.ts';
import { closestName } from '../../base/config/suggest.ts';
import {
  AGENT_KEYS,
  AGENT_LISTENER_KEYS,
  API_PROXY_KEYS,
  CACHE_KEYS,
  EXEC_KEYS,
  METHOD_KEYS,
  SERVER_KEYS,
  SINK_KEYS,
  TEMPLATE_EXEC_KEYS,
  TEMPLATE_KEYS,
  TEMPLATING_KEYS,
  WAIT_KEYS,
  type AgentKeys,
  type AgentListenerKeys,
  type ApiProxyKeys,
  type ExecKeys,
  type MethodKeys,
  type ServerKeys,
  type SinkKeys,
  type TemplateKeys,
  type TemplatingKeys,
} from './agent-keys.ts';
import type { ConfigBlock, ConfigEntry, ConfigTree } from '../../base/config/config-tree.ts';
import type { DecodeContext } from '../../base/config/decode-values.ts';

export interface MethodConfig extends MethodKeys {
  readonly type: string;
  readonly where: string;
}

export interface SinkConfig extends SinkKeys {
  readonly path: string;
  readonly mode: number;
}

export interface TemplateConfig extends TemplateKeys {
  /** Program and arguments to run after a change; one word goes to the shell. */
  readonly after: readonly string[];
  readonly afterTimeoutSeconds: number;
  readonly waitSeconds: number;
  /** Set for an env_template: the variable to fill. */
  readonly variable: string | undefined;
  readonly where: string;
}

export interface AgentListenerConfig extends AgentListenerKeys {
  readonly kind: 'tcp' | 'unix';
  readonly where: string;
}

export interface AgentConfig extends AgentKeys {
  readonly server: ServerKeys;
  readonly method: MethodConfig | undefined;
  readonly sinks: readonly SinkConfig[];
  readonly templates: readonly TemplateConfig[];
  readonly templating: TemplatingKeys;
  readonly exec: ExecKeys | undefined;
  readonly proxy: ApiProxyKeys;
  /** Answers with a lease are kept and given out again. */
  readonly caches: boolean;
  readonly listeners: readonly AgentListenerConfig[];
}

/** The blocks of the top level and how many labels each has. */
const BLOCKS = {
  vault: 0,
  auto_auth: 0,
  template: 0,
  env_template: 1,
  template_config: 0,
  exec: 0,
  api_proxy: 0,
  cache: 0,
  listener: 1,
  telemetry: 0,
} as const;

/** Most blocks of one kind. */
const BLOCKS_MAX = 256;
const SINK_MODE_DEFAULT = 0o640;

/** @throws {ConfigError} */
export function loadAgentConfig(paths: readonly string[], context: DecodeContext): AgentConfig {
  const { tree, where } = readConfigFiles(paths);
  return decodeAgentConfig(tree, where, context);
}

/** @throws {ConfigError} */
export function decodeAgentConfig(
  tree: ConfigTree,
  where: string,
  context: DecodeContext,
): AgentConfig {
  const { blocks, rest } = takeBlocks(tree, BLOCKS);
  for (const entry of rest.entries) {
    if (Object.hasOwn(AGENT_KEYS, entry.key)) continue;
    const close = closestName(entry.key, [...Object.keys(AGENT_KEYS), ...Object.keys(BLOCKS)]);
    const hint = close === undefined ? '' : ` (did you mean ${close}?)`;
    throw new ConfigError(entry.where, `unknown key ${entry.key}${hint}`);
  }
  const all = (kind: keyof typeof BLOCKS): readonly ConfigBlock[] => blocks.get(kind) ?? [];
  const last = (kind: keyof typeof BLOCKS): ConfigBlock =>
    all(kind).at(-1) ?? { labels: [], body: { entries: [] }, where };
  const auth = decodeAutoAuth(all('auto_auth').at(-1), context);
  const server = last('vault');
  const proxy = last('api_proxy');
  const templating = last('template_config');
  const cache = all('cache').at(-1);
  const exec = all('exec').at(-1);
  const config: AgentConfig = {
    ...decodeBlock(rest, AGENT_KEYS, 'the configuration', where, context),
    ...auth,
    server: decodeBlock(server.body, SERVER_KEYS, 'vault', server.where, context),
    templates: [
      ...all('template').map((block) => decodeTemplate(block, undefined, context)),
      ...all('env_template').map((block) => decodeTemplate(block, block.labels[0], context)),
    ],
    templating: decodeBlock(
      templating.body,
      TEMPLATING_KEYS,
      'template_config',
      templating.where,
      context,
    ),
    exec: exec && decodeBlock(exec.body, EXEC_KEYS, 'exec', exec.where, context),
    proxy: decodeBlock(
      switchesAsText(proxy.body),
      API_PROXY_KEYS,
      'api_proxy',
      proxy.where,
      context,
    ),
    caches:
      cache !== undefined &&
      !decodeBlock(cache.body, CACHE_KEYS, 'cache', cache.where, context).disabled,
    listeners: all('listener').map((block) => decodeListener(block, context)),
  };
  assertWhole(config, where);
  return config;
}

/** What one block needs of another. */
function assertWhole(config: AgentConfig, where: string): void {
  const wantsToken = config.templates.length > 0 || config.proxy.useToken !== 'false';
  if (wantsToken && config.method === undefined) {
    throw new ConfigError(where, 'templates and use_auto_auth_token need an auto_auth block');
  }
  const hasVariables = config.templates.some(({ variable }) => variable !== undefined);
  if (hasVariables !== (config.exec !== undefined)) {
    throw new ConfigError(where, 'env_template and exec go together');
  }
  if (config.method === undefined && config.listeners.length === 0) {
    throw new ConfigError(where, 'there is nothing to do: write auto_auth, or listener');
  }
  const idle = config.sinks.length + config.templates.length + config.listeners.length === 0;
  if (idle) throw new ConfigError(where, 'auto_auth needs a sink, a template or a listener');
}

function takeBlocks<Kind extends string>(
  tree: ConfigTree,
  kinds: Readonly<Record<Kind, number>>,
): { blocks: Map<Kind, ConfigBlock[]>; rest: ConfigTree } {
  const blocks = new Map<Kind, ConfigBlock[]>();
  const entries = tree.entries.filter((entry) => {
    if (!Object.hasOwn(kinds, entry.key)) return true;
    const kind = entry.key as Kind;
    const found = [...(blocks.get(kind) ?? []), ...blocksOf(entry, kinds[kind])];
    if (found.length > BLOCKS_MAX) {
      throw new ConfigError(entry.where, `more than ${BLOCKS_MAX} ${kind} blocks`);
    }
    blocks.set(kind, found);
    return false;
  });
  return { blocks, rest: { entries } };
}

function decodeAutoAuth(
  block: ConfigBlock | undefined,
  context: DecodeContext,
): Pick<AgentConfig, 'method' | 'sinks'> {
  if (block === undefined) return { method: undefined, sinks: [] };
  const methods: MethodConfig[] = [];
  const sinks: SinkConfig[] = [];
  for (const entry of block.body.entries) {
    switch (entry.key) {
      case 'method':
        methods.push(...typedBlocks(entry).map((method) => decodeMethod(method, context)));
        break;
      case 'sink':
      case 'sinks':
        sinks.push(...typedBlocks(entry).map((sink) => decodeSink(sink, context)));
        break;
      case 'enable_reauth_on_new_credentials':
        context.warn(`${entry.where}: ${entry.key} is ignored: a login reads its files anew`);
        break;
      default:
        throw new ConfigError(entry.where, `unknown key ${entry.key} in auto_auth`);
    }
  }
  const [method, another] = methods;
  if (method === undefined) throw new ConfigError(block.where, 'auto_auth needs a method');
  if (another !== undefined) throw new ConfigError(another.where, 'auto_auth takes one method');
  return { method, sinks };
}

/** `method "approle" { … }`, or `method { type = "approle" … }`. */
function typedBlocks(entry: ConfigEntry): ConfigBlock[] {
  if (Array.isArray(entry.value)) {
    return entry.value.flatMap((value) => typedBlocks({ ...entry, value }));
  }
  const typed = isTree(entry.value)
    ? entry.value.entries.find((child) => child.key === 'type')
    : undefined;
  const type = typed?.value;
  if (typed === undefined || typeof type !== 'string') return blocksOf(entry, 1);
  return blocksOf(entry, 0).map((block) => ({
    labels: [type],
    body: { entries: block.body.entries.filter((child) => child !== typed) },
    where: block.where,
  }));
}

function decodeMethod(block: ConfigBlock, context: DecodeContext): MethodConfig {
  const type = block.labels[0] ?? '';
  const values = decodeBlock(block.body, METHOD_KEYS, `method "${type}"`, block.where, context);
  return { ...values, type, where: block.where };
}

function decodeSink(block: ConfigBlock, context: DecodeContext): SinkConfig {
  const type = block.labels[0] ?? '';
  if (type !== 'file')
    throw new ConfigError(block.where, `unknown sink "${type}"; there is "file"`);
  const values = decodeBlock(block.body, SINK_KEYS, 'sink "file"', block.where, context);
  const { path, mode, ...others } = { path: '', mode: '', ...values.config };
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw new ConfigError(block.where, `unknown key ${unknown} in the config of sink "file"`);
  }
  if (path === '') throw new ConfigError(block.where, 'sink "file" needs path in its config');
  // A number that HCL has read is decimal by now.
  const number = Number.parseInt(mode, mode.startsWith('0') ? 8 : 10);
  if (mode !== '' && !(number <= 0o777)) throw new ConfigError(block.where, 'mode is no file mode');
  return { ...values, path, mode: mode === '' ? SINK_MODE_DEFAULT : number };
}

function decodeTemplate(
  block: ConfigBlock,
  variable: string | undefined,
  context: DecodeContext,
): TemplateConfig {
  const { where } = block;
  const title = variable === undefined ? 'template' : `env_template "${variable}"`;
  const { blocks, rest } = takeBlocks(block.body, { exec: 0, wait: 0 });
  const values = decodeBlock(rest, TEMPLATE_KEYS, title, where, context);
  const wait = blocks.get('wait')?.at(-1);
  const exec = blocks.get('exec')?.at(-1);
  const after = exec && decodeBlock(exec.body, TEMPLATE_EXEC_KEYS, 'exec', exec.where, context);
  if ((values.source === undefined) === (values.contents === undefined)) {
    throw new ConfigError(where, `${title} needs either source or contents`);
  }
  if (variable === undefined && values.destination === undefined) {
    throw new ConfigError(where, `${title} needs destination`);
  }
  if (variable !== undefined && !/^[A-Za-z_]\w*$/.test(variable)) {
    throw new ConfigError(where, `"${variable}" is no name of a variable`);
  }
  return {
    ...values,
    after: after?.command ?? (values.command === undefined ? [] : [values.command]),
    afterTimeoutSeconds: after?.timeoutSeconds ?? values.commandTimeoutSeconds,
    waitSeconds:
      wait === undefined
        ? 0
        : decodeBlock(wait.body, WAIT_KEYS, 'wait', wait.where, context).minSeconds,
    variable,
    where,
  };
}

function decodeListener(block: ConfigBlock, context: DecodeContext): AgentListenerConfig {
  const kind = block.labels[0];
  if (kind !== 'tcp' && kind !== 'unix') {
    throw new ConfigError(block.where, `unknown listener "${kind}"; there are "tcp", "unix"`);
  }
  const title = `listener "${kind}"`;
  const values = decodeBlock(block.body, AGENT_LISTENER_KEYS, title, block.where, context);
  const bare = values.certFile === undefined || values.keyFile === undefined;
  if (kind === 'tcp' && !values.tlsDisable && bare) {
    throw new ConfigError(
      block.where,
      `${title} needs tls_cert_file and tls_key_file, or tls_disable = true`,
    );
  }
  return { ...values, kind, where: block.where };
}

/** `true` and `"force"` are both values of one key. */
function switchesAsText(body: ConfigTree): ConfigTree {
  return {
    entries: body.entries.map((entry) =>
      entry.key === 'use_auto_auth_token' && typeof entry.value === 'boolean'
        ? { ...entry, value: String(entry.value) }
        : entry,
    ),
  };
}
