/** Prints answers in the format the user asked for. */
import { CommandFailure, EXIT_LOCAL, EXIT_OK, type Invocation } from '../command.ts';
import { mayColour, warn } from '../terminal.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { formatTable, wrapText } from './columns.ts';
import { secretDocument, secretField, secretRows } from './secret.ts';
import { compareBytes, plainText, shownValue, sortedKeys } from './values.ts';

/** One line on stdout. */
export function say(invocation: Invocation, line: string): void {
  invocation.terminal.write(`${line}\n`);
}

/** A success message: only people read it, so other formats stay empty. */
export function sayInTable(invocation: Invocation, line: string): number {
  if (invocation.format === 'table') say(invocation, line);
  return EXIT_OK;
}

export async function printSecret(invocation: Invocation, secret: Secret): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, secretDocument(secret));
  printWarnings(invocation, secret);
  const rows = secretRows(secret);
  if (rows.length > 0) say(invocation, formatTable(['Key', 'Value'], rows));
  return EXIT_OK;
}

/** A secret, or only the field that -field names. */
export async function printSecretOrField(invocation: Invocation, secret: Secret): Promise<number> {
  const field = invocation.flags.text('field');
  return field === ''
    ? printSecret(invocation, secret)
    : printField(invocation, secretField(secret, field), field);
}

/** An object as rows of key and value, sorted. */
export async function printObject(invocation: Invocation, data: JsonObject): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, data, true);
  const rows = sortedKeys(data).map((key) => [key, shownValue(key, data[key])]);
  if (rows.length > 0) say(invocation, formatTable(['Key', 'Value'], rows));
  return EXIT_OK;
}

/** Prints a value as JSON or YAML. `sorted` puts the keys of every object in order. */
export async function printDocument(
  invocation: Invocation,
  value: JsonValue,
  sorted = false,
): Promise<number> {
  const { jsonText, sortDeep, yamlText } = await import('./documents.ts');
  const { format } = invocation;
  if (format === 'pretty') {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Could not parse output: cannot use the pretty formatter for this type',
    );
  }
  if (format === 'json') say(invocation, jsonText(sorted ? sortDeep(value) : value));
  else if (format === 'yaml') say(invocation, (await yamlText(value)).trim());
  else say(invocation, plainText(value));
  return EXIT_OK;
}

/** Keys of a list, with what is known of each under -detailed. */
export async function printList(invocation: Invocation, secret: Secret): Promise<number> {
  const keys = listKeys(secret) ?? [];
  const { flags } = invocation;
  const detailed = flags.declares('detailed') && flags.boolean('detailed');
  if (invocation.format !== 'table') {
    return printDocument(invocation, detailed ? secretDocument(secret) : keys);
  }
  printWarnings(invocation, secret);
  const sorted = [...keys].sort(compareBytes);
  const details = detailed ? secret.data?.['key_info'] : undefined;
  if (sorted.length === 0) return EXIT_OK;
  if (!isJsonObject(details)) {
    say(
      invocation,
      formatTable(
        ['Keys'],
        sorted.map((key) => [key]),
      ),
    );
    return EXIT_OK;
  }
  const columns = new Set<string>();
  for (const key of sorted) {
    const info = details[key];
    if (isJsonObject(info)) for (const name of Object.keys(info)) columns.add(name);
  }
  const names = [...columns].sort(compareBytes);
  const rows = sorted.map((key) => {
    const info = details[key];
    return [
      key,
      ...names.map((name) =>
        isJsonObject(info) && name in info ? shownValue(name, info[name]) : '',
      ),
    ];
  });
  say(invocation, formatTable(['Keys', ...names], rows));
  return EXIT_OK;
}

export function listKeys(secret: Secret | undefined): string[] | undefined {
  const keys = secret?.data?.['keys'];
  return Array.isArray(keys) ? keys.map((key) => plainText(key)) : undefined;
}

export async function printField(
  invocation: Invocation,
  value: JsonValue | undefined,
  field: string,
): Promise<number> {
  if (value === undefined || value === null) {
    throw new CommandFailure(EXIT_LOCAL, `Field ${JSON.stringify(field)} not present in secret`);
  }
  if (invocation.format === 'json' || invocation.format === 'yaml') {
    const { jsonText, sortDeep, yamlText } = await import('./documents.ts');
    return printRaw(
      invocation,
      invocation.format === 'json' ? jsonText(sortDeep(value)) : await yamlText(value),
    );
  }
  return printRaw(invocation, plainText(value));
}

/** A bare value: a newline follows only on a terminal, so that `$(…)` and pipes get the exact bytes. */
export function printRaw(invocation: Invocation, text: string): number {
  const { terminal } = invocation;
  terminal.write(mayColour(terminal, terminal.stdoutIsTty) ? `${text}\n` : text);
  return EXIT_OK;
}

export function printWarnings(invocation: Invocation, secret: Secret): void {
  if (secret.warnings === undefined || secret.warnings.length === 0) return;
  const { terminal } = invocation;
  warn(terminal, 'WARNING! The following warnings were returned from Vault:\n');
  for (const warning of secret.warnings) {
    warn(terminal, wrapText(`* ${warning}`, 2));
    warn(terminal, '');
  }
}
