/** -output-curl-string and -output-policy: what would be asked, in place of asking. */
import type { TlsSettings } from '../client/tls.ts';
import type { WireRequest } from '../client/transport.ts';
import { DryRun } from './command.ts';
import type { FlagValues } from './flags.ts';

export function dryRunIntercept(
  flags: FlagValues,
  environment: TlsSettings,
): ((request: WireRequest) => never) | undefined {
  if (flags.boolean('output-curl-string')) {
    const path = (name: string, fallback: string | undefined): string =>
      flags.text(name) || (fallback ?? '');
    const tls = {
      '--cacert': path('ca-cert', environment.caFile),
      '--capath': path('ca-path', environment.caPath),
      '--cert': path('client-cert', environment.certFile),
      '--key': path('client-key', environment.keyFile),
    };
    const insecure = flags.boolean('tls-skip-verify') || environment.skipVerify === true;
    return (request) => {
      throw new DryRun(curlCommand(request, tls, insecure));
    };
  }
  if (!flags.boolean('output-policy')) return undefined;
  return (request) => {
    throw new DryRun(neededPolicy(request));
  };
}

function curlCommand(
  request: WireRequest,
  tls: Readonly<Record<string, string>>,
  insecure: boolean,
): string {
  const words = ['curl'];
  if (insecure) words.push('--insecure');
  if (request.method !== 'GET') words.push('-X', request.method);
  for (const [flag, path] of Object.entries(tls)) {
    if (path !== '') words.push(flag, singleQuoted(path));
  }
  for (const [name, value] of Object.entries(request.headers)) {
    // The token itself never reaches the screen or a shell history.
    const shown =
      name.toLowerCase() === 'x-vault-token' ? '$(strongroom print token)' : escaped(value);
    words.push('-H', `"${name}: ${shown}"`);
  }
  const { body } = request;
  if ((typeof body === 'string' || Buffer.isBuffer(body)) && body.length > 0) {
    words.push('-d', singleQuoted(body.toString()));
  }
  words.push(JSON.stringify(request.url.href));
  return words.join(' ');
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function escaped(text: string): string {
  return text.replace(/["\\$`]/g, '\\$&');
}

const CAPABILITIES = new Map([
  ['GET', ['read']],
  ['PUT', ['create', 'update']],
  ['POST', ['create', 'update']],
  ['PATCH', ['patch']],
  ['DELETE', ['delete']],
]);

/** Paths that also want sudo; `+` stands for one segment, a trailing `*` for the rest. */
const SUDO_PATHS = [
  'auth/token/accessors',
  'pki/root',
  'pki/root/sign-self-issued',
  'sys/audit',
  'sys/audit/+',
  'sys/auth/+',
  'sys/auth/+/tune',
  'sys/config/auditing/request-headers',
  'sys/config/auditing/request-headers/+',
  'sys/config/cors',
  'sys/config/ui/headers',
  'sys/config/ui/headers/+',
  'sys/internal/inspect/router/+',
  'sys/leases',
  'sys/leases/lookup/*',
  'sys/leases/revoke-force/*',
  'sys/leases/revoke-prefix/*',
  'sys/plugins/catalog/+',
  'sys/plugins/catalog/+/+',
  'sys/raw',
  'sys/raw/*',
  'sys/remount',
  'sys/rotate',
  'sys/rotate/keyring',
  'sys/seal',
  'sys/step-down',
].map((pattern) => pattern.split('/'));

function needsSudo(path: string): boolean {
  const segments = path.split('/').filter((part) => part !== '');
  return SUDO_PATHS.some((pattern) => {
    const open = pattern.at(-1) === '*';
    if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false;
    return pattern.every((part, index) => part === '+' || part === '*' || part === segments[index]);
  });
}

function neededPolicy(request: WireRequest): string {
  const path = decodeURIComponent(request.url.pathname).replace(/^\/v1\//, '');
  const capabilities = [...(CAPABILITIES.get(request.method) ?? [])];
  const { searchParams } = request.url;
  if (searchParams.get('list') === 'true') capabilities.splice(0, Infinity, 'list');
  if (searchParams.get('scan') === 'true') capabilities.splice(0, Infinity, 'scan');
  if (needsSudo(path)) capabilities.push('sudo');
  const list = capabilities.map((name) => JSON.stringify(name)).join(', ');
  return `path ${JSON.stringify(path)} {\n  capabilities = [${list}]\n}`;
}
