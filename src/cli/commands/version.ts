/** version: the version of this program. */
import { readFile } from 'node:fs/promises';
import { isJsonObject, parseJson } from '../../client/json.ts';
import { EXIT_OK, type Invocation } from '../command.ts';
import { say } from '../render/output.ts';
import { plainText } from '../render/values.ts';

export async function version(invocation: Invocation): Promise<number> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  const manifest = parseJson(text);
  const number = isJsonObject(manifest) ? plainText(manifest['version']) : 'unknown';
  say(invocation, `Strongroom v${number}`);
  return EXIT_OK;
}
