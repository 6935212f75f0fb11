/** pki verify-sign, pki list-intermediates. */
import type { Client } from '../../../client/client.ts';
import { attempt, CommandFailure, EXIT_LOCAL, EXIT_OK } from '../../command.ts';
import type { Invocation } from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { formatTable } from '../../render/columns.ts';
import { listKeys, printDocument, say } from '../../render/output.ts';
import { matchOf, readIssuer } from './certificates.ts';
import type { Match } from './certificates.ts';

export async function verifySign(invocation: Invocation): Promise<number> {
  const [issuer = '', issued = ''] = invocation.args.map(cleanPath);
  const client = await invocation.session.client();
  const parent = await readIssuer(client, issuer, `Failed to read issuer: ${issuer}`);
  const child = await readIssuer(client, issued, `Failed to run verification`);
  const match = await matchOf(parent, child);
  if (invocation.format !== 'table') return await printDocument(invocation, { ...match }, true);
  say(invocation, `issuer:${issuer}`);
  say(invocation, `issued:${issued}\n`);
  const rows = Object.entries(match).map(([field, value]) => [field, String(value)]);
  say(invocation, formatTable(['field', 'value'], rows));
  return EXIT_OK;
}

async function issuersOf(invocation: Invocation, client: Client, mount: string): Promise<string[]> {
  const list = await attempt(
    `failed to read list of issuers within mount ${mount}`,
    client.list(`${mount}/issuers`),
    EXIT_LOCAL,
  );
  const paths: string[] = [];
  for (const id of listKeys(list) ?? []) {
    const path = `${mount}/issuer/${id}`;
    const named = invocation.flags.boolean('use_names')
      ? (await readIssuer(client, path, `Unable to fetch issuer ${path}`)).name
      : '';
    paths.push(named === '' ? path : `${mount}/issuer/${named}`);
  }
  return paths;
}

async function candidates(invocation: Invocation, client: Client): Promise<string[]> {
  const named = invocation.args.slice(1).map(cleanPath);
  let places = named;
  if (named.length === 0) {
    const mounts = await attempt(
      'Failed to Read List of Mounts With Potential Issuers',
      client.read('sys/mounts'),
      EXIT_LOCAL,
    );
    places = Object.entries(mounts?.data ?? {})
      .filter(([, entry]) => (entry as { readonly type?: unknown } | null)?.type === 'pki')
      .map(([path]) => cleanPath(path));
  }
  const found: string[] = [];
  for (const place of places) {
    if (/\/(?:issuer|cert|certs|revoked)\//.test(place)) found.push(place);
    else found.push(...(await issuersOf(invocation, client, place)));
  }
  return found;
}

/** Which flag asks for which part of the match. */
const PARTS: readonly (readonly [string, keyof Match])[] = [
  ['subject_match', 'subject_match'],
  ['path_match', 'path_match'],
  ['indirect_sign', 'trust_match'],
  ['key_id_match', 'key_id_match'],
  ['direct_sign', 'signature_match'],
];

export async function listIntermediates(invocation: Invocation): Promise<number> {
  const [issuer = ''] = invocation.args.map(cleanPath);
  if (issuer === '') {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Not enough arguments (expected potential parent, got nothing)',
    );
  }
  const client = await invocation.session.client();
  const children = await candidates(invocation, client);
  const parent = await readIssuer(client, issuer, `Failed to read parent issuer on path ${issuer}`);
  const results: Record<string, boolean> = {};
  for (const path of children) {
    const child = await readIssuer(client, path, `Failed to run verification on path ${path}`);
    const match = await matchOf(parent, child);
    results[path] = PARTS.every(
      ([flag, part]) => !invocation.flags.boolean(flag, flag !== 'path_match') || match[part],
    );
  }
  if (invocation.format !== 'table') return await printDocument(invocation, results, true);
  const rows = Object.entries(results).map(([path, value]) => [path, String(value)]);
  say(invocation, formatTable(['intermediate', 'match?'], rows));
  return EXIT_OK;
}
