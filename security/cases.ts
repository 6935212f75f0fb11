/**
 * Published weaknesses whose tests are not in this folder, and why: the engine, method or program that they concern is not there
 * yet, or is newer than these tests. Whoever adds it adds the test, named by the same id, and removes the row.
 */

interface Waiting {
  readonly ids: readonly string[];
  /** What has to exist first. */
  readonly for: string;
}

export const WAITING: readonly Waiting[] = [
  { ids: ['SEC-15', 'SEC-43'], for: 'the ssh engine' },
  { ids: ['SEC-45', 'SEC-64'], for: 'the transit engine' },
  { ids: ['SEC-90'], for: 'outbound connections to identity providers' },
  { ids: ['SEC-24', 'SEC-27'], for: 'certificate logins' },
  { ids: ['SEC-30', 'SEC-31'], for: 'wire tests of logins by name and password' },
  { ids: ['SEC-35'], for: 'wire tests of JWT logins' },
  { ids: ['SEC-78'], for: 'OIDC logins through a browser' },
  { ids: ['SEC-36', 'SEC-37', 'SEC-39'], for: 'LDAP logins' },
  { ids: ['SEC-38'], for: 'wire tests of Kubernetes logins' },
  { ids: ['SEC-88'], for: 'logins by cloud identities' },
  { ids: ['SEC-58'], for: 'Raft: there is none, and no challenge to store' },
  { ids: ['SEC-62'], for: 'the PROXY protocol' },
  { ids: ['SEC-72'], for: 'plugins: no code and no path of code is ever read from the store' },
  { ids: ['SEC-79', 'SEC-97'], for: 'an agent and a template renderer' },
  { ids: ['SEC-91'], for: 'a container image' },
  { ids: ['SEC-42'], for: 'wire tests across a restart' },
  { ids: ['SEC-74'], for: 'a timing harness' },
  { ids: ['SEC-96'], for: 'replicas' },
];

/** Tested elsewhere, beside the code: the file holds the case. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'SEC-13': 'src/server/lending/database.test.ts',
  'SEC-48': 'src/server/lending/database.test.ts',
  'SEC-49': 'src/server/lending/database.test.ts',
  'SEC-89': 'src/server/lending/database.test.ts',
  'SEC-33': 'src/auth/approle/approle.test.ts',
  'SEC-34': 'src/auth/approle/approle.test.ts',
  'SEC-44': 'src/engines/pki/attacks.test.ts',
  'SEC-46': 'src/engines/totp/totp.test.ts',
  'SEC-61': 'src/server/audit.test.ts',
  'SEC-67': 'src/server/acme/attacks.test.ts',
  'SEC-68': 'src/server/acme/attacks.test.ts',
  'SEC-84': 'src/server/config/sanitized.test.ts',
  'SEC-86': 'src/server/access/second-factor.test.ts',
  'SEC-98': 'src/client/client.test.ts',
};
