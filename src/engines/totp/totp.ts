/** The TOTP engine: an authenticator, and the side that checks what authenticators show. */
import type { Random } from '../../base/random.ts';
import type { Backend } from '../../model/backend.ts';
import { codePaths } from './codes.ts';
import { keyPaths } from './keys.ts';

export function totpBackend({ random }: { readonly random: Random }): Backend {
  return {
    type: 'totp',
    kind: 'secret',
    summary: 'Time-based one-time passwords, made and checked.',
    paths: [...keyPaths(random), ...codePaths()],
  };
}
