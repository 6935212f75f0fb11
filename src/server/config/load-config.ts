/** Reads configuration files and folders in the order given and decodes them as one. */
import { readConfigFiles } from '../../base/config/read-config.ts';
import { decodeConfig } from './server-config.ts';
import type { DecodeContext } from '../../base/config/decode-values.ts';
import type { ServerConfig } from './server-config.ts';

/**
 * The configuration in `paths`, files or folders. A later file overrides an earlier one; listeners and audit devices add up.
 * @throws {ConfigError}
 */
export function loadConfig(paths: readonly string[], context: DecodeContext): ServerConfig {
  const { tree, where } = readConfigFiles(paths);
  return decodeConfig(tree, where, context);
}
