/** version: the version of this program, and under another program's name the level of that one's API. */
import { readFile } from 'node:fs/promises';
import { isJsonObject, parseJson } from '../../client/json.ts';
import { EXIT_OK, type Invocation } from '../command.ts';
import { say } from '../render/output.ts';
import { plainText } from '../render/values.ts';

/**
 * What `vault -version` and `bao -version` begin with. Test suites and installers take the second word of that line for the level
 * of the API and leave out, or refuse, what came later.
 */
const SPOKEN: ReadonlyMap<string, string> = new Map([
  ['vault', 'Vault v2.0.0'],
  ['bao', 'OpenBao v2.5.0'],
]);

export async function version(invocation: Invocation): Promise<number> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  const manifest = parseJson(text);
  const number = isJsonObject(manifest) ? plainText(manifest['version']) : 'unknown';
  const own = `Strongroom v${number}`;
  const spoken = SPOKEN.get(invocation.terminal.environment['STRONGROOM_CALLED_AS'] ?? '');
  say(invocation, spoken === undefined ? own : `${spoken} (as spoken by ${own})`);
  return EXIT_OK;
}
