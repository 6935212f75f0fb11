/** What a test of identities hands in where no access token is made. */
import type { OidcPorts } from './context.ts';

export function portsWithoutTokens(address = 'https://vault.test'): OidcPorts {
  return {
    apiAddress: () => address,
    issueAccessToken: async () => {
      throw new Error('no access tokens here');
    },
    accessToken: async () => undefined,
    loggedInAt: async () => undefined,
  };
}
