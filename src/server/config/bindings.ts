/** The bindings that the configuration names. */
import type { Binding } from '../../core/bindings/bindings.ts';
import { bindingKey } from '../../core/bindings/bindings.ts';
import { RequestError } from '../../model/errors.ts';
import { bindingOf } from '../../system/bindings.ts';
import type { BindingConfig } from './block-keys.ts';
import { ConfigError } from '../../base/config/config-tree.ts';

/** @throws {ConfigError} one of them cannot be, or two are for the same name and region */
export function bindingsOf(configs: readonly BindingConfig[]): readonly Binding[] {
  const seen = new Set<string>();
  return configs.map((config) => {
    const binding = checked(config);
    const key = bindingKey(binding);
    if (seen.has(key)) throw new ConfigError(config.where, 'there are two such bindings');
    seen.add(key);
    return binding;
  });
}

function checked(config: BindingConfig): Binding {
  try {
    return bindingOf({
      protocol: config.protocol,
      name: config.name.toLowerCase(),
      region: config.region,
      namespace: config.namespace,
      mount: config.mount,
      keys_mount: config.keysMount,
      certificates_mount: config.certificatesMount,
      login_mount: config.loginMount,
      recovery_days: config.recoveryDays,
      purge_protection: config.purgeProtection,
    });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new ConfigError(config.where, error.message, error);
  }
}
