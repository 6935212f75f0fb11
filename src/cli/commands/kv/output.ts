/** The sections that kv commands print: a path under its heading, then tables under theirs. */
import type { JsonObject } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import { EXIT_OK, type Invocation } from '../../command.ts';
import { formatHeading } from '../../render/columns.ts';
import {
  printObject,
  printSecret,
  printSecretOrField,
  say,
  sayInTable,
} from '../../render/output.ts';

export function printPath(invocation: Invocation, title: string, path: string): void {
  say(invocation, formatHeading(title, path.length));
  say(invocation, path);
  say(invocation, '');
}

export async function printSection(
  invocation: Invocation,
  title: string,
  data: JsonObject,
): Promise<void> {
  const longest = Math.max(0, ...Object.keys(data).map((key) => Buffer.byteLength(key)));
  say(invocation, formatHeading(title, longest + '    Value'.length));
  await printObject(invocation, data);
}

/** What a write answers: the metadata of the new version. */
export async function printNewVersion(
  invocation: Invocation,
  path: string,
  secret: Secret | undefined,
): Promise<number> {
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  if (invocation.flags.text('field') !== '') return printSecretOrField(invocation, secret);
  if (secret.wrapInfo !== undefined || invocation.format !== 'table') {
    return printSecret(invocation, secret);
  }
  printPath(invocation, 'Secret Path', path);
  await printSection(invocation, 'Metadata', secret.data ?? {});
  return EXIT_OK;
}
