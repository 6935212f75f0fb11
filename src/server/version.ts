/** What the server says of itself. */
import { readFileSync } from 'node:fs';

/** Of this program. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  }
).version;

/**
 * The level of the Vault API that the server speaks, as `sys/health` and `sys/seal-status` report it. Clients decide by it what
 * they may ask: Terraform parses it as SemVer and gates arguments on it.
 */
export const API_VERSION: string = '2.0.0';
