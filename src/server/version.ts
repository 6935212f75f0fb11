/** What the server says of itself. */
import { readFileSync } from 'node:fs';

/** SemVer, as Terraform parses it from `sys/seal-status`. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;
