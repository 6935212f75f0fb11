/**
 * Tells a person which fields a "kv put" has just dropped: it replaces the whole secret, which many take for a change of the
 * named fields. Scripts see nothing of it, and pay for no request.
 */
import { isJsonObject } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import type { Invocation } from '../../command.ts';
import { wrapText } from '../../render/columns.ts';
import { sortedKeys } from '../../render/values.ts';
import { warn } from '../../terminal.ts';
import type { KvTarget } from './path.ts';

export async function warnOfLostFields(
  invocation: Invocation,
  target: KvTarget,
  written: Secret | undefined,
  fields: readonly string[],
): Promise<void> {
  const { terminal, format } = invocation;
  const version = written?.data?.['version'];
  if (!terminal.stderrIsTty || format !== 'table' || typeof version !== 'number' || version < 2) {
    return;
  }
  const before = version - 1;
  const names = await fieldsOf(invocation, target.pathIn('subkeys'), before);
  const lost = names.filter((name) => !fields.includes(name));
  if (lost.length === 0) return;
  warn(
    terminal,
    `\n${wrapText(
      `Version ${before} also had: ${lost.join(', ')}. "kv put" replaces a secret as a whole; "kv patch" changes fields and keeps the others. To go back: strongroom kv rollback -version=${before}`,
    )}`,
  );
}

/** Names alone, without a value; nothing where the token may not see them. */
async function fieldsOf(invocation: Invocation, path: string, version: number): Promise<string[]> {
  try {
    const client = await invocation.session.preflight();
    const secret = await client.read(path, { version: String(version), depth: '1' });
    const subkeys = secret?.data?.['subkeys'];
    return isJsonObject(subkeys) ? sortedKeys(subkeys) : [];
  } catch {
    return [];
  }
}
