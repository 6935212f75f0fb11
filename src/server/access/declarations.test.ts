/** Every auth method and the identity store say what they are, path by path. */
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openInstance } from '../instance-fixture.ts';
import { testBackendDeclaration } from '../../engines/backend.contract.ts';
import { approleBackend } from '../../auth/approle/approle.ts';
import { awsBackend } from '../../auth/aws/aws.ts';
import { azureBackend } from '../../auth/azure/azure.ts';
import { fetchBytes, fetchJson } from '../../auth/fetch-json.ts';
import { gcpBackend } from '../../auth/gcp/gcp.ts';
import { jwtBackend } from '../../auth/jwt/jwt.ts';
import { kubernetesBackend } from '../../auth/kubernetes/kubernetes.ts';
import { certBackend } from '../../auth/cert/cert.ts';
import { ldapBackend } from '../../auth/ldap/ldap.ts';
import { userpassBackend } from '../../auth/userpass/userpass.ts';
import { identityBackend } from '../../identity/backend.ts';
import { portsWithoutTokens } from '../../identity/oidc/oidc-fixture.ts';

const { instance } = await openInstance();
testBackendDeclaration(identityBackend(instance.services.identity.store, portsWithoutTokens()));
await instance.close();

testBackendDeclaration(userpassBackend({ random: systemRandom }));
testBackendDeclaration(approleBackend({ random: systemRandom, hash: (text) => text }));
testBackendDeclaration(
  jwtBackend({ clock: systemClock, random: systemRandom, log: silentLog, fetch: fetchJson }),
);
testBackendDeclaration(
  kubernetesBackend({ clock: systemClock, fetch: fetchJson, local: async () => undefined }),
);
testBackendDeclaration(
  certBackend({ clock: systemClock, log: silentLog, random: systemRandom, fetch: fetchBytes }),
);
testBackendDeclaration(awsBackend({ random: systemRandom, fetch: fetchBytes }));
testBackendDeclaration(azureBackend({ clock: systemClock, fetch: fetchJson }));
testBackendDeclaration(gcpBackend({ clock: systemClock, random: systemRandom, fetch: fetchJson }));
testBackendDeclaration(ldapBackend({ random: systemRandom }));
