/**
 * Published weaknesses whose tests are not in this folder, and why: the engine, method or program that they concern is not there
 * yet. Whoever adds it adds the test, named by the same id, and removes the row.
 */

interface Waiting {
  readonly ids: readonly string[];
  /** What has to exist first. */
  readonly for: string;
}

export const WAITING: readonly Waiting[] = [
  { ids: ['SEC-4', 'SEC-6', 'SEC-17', 'SEC-22'], for: 'identity: entities, aliases, groups' },
  { ids: ['SEC-15', 'SEC-43'], for: 'the ssh engine' },
  { ids: ['SEC-44', 'SEC-67', 'SEC-68'], for: 'the pki engine with ACME' },
  { ids: ['SEC-45', 'SEC-64'], for: 'the transit engine' },
  { ids: ['SEC-46'], for: 'the totp engine' },
  { ids: ['SEC-48', 'SEC-49', 'SEC-13', 'SEC-89'], for: 'engines that make dynamic credentials' },
  { ids: ['SEC-90'], for: 'outbound connections: databases, directories, identity providers' },
  { ids: ['SEC-24', 'SEC-27'], for: 'certificate logins' },
  { ids: ['SEC-30', 'SEC-31'], for: 'logins by name and password, tested beside their code' },
  { ids: ['SEC-33', 'SEC-34'], for: 'AppRole logins' },
  { ids: ['SEC-35', 'SEC-78'], for: 'JWT and OIDC logins, and a browser console' },
  { ids: ['SEC-36', 'SEC-37', 'SEC-39'], for: 'LDAP logins' },
  { ids: ['SEC-38'], for: 'Kubernetes logins' },
  { ids: ['SEC-86'], for: 'second factors at login' },
  { ids: ['SEC-88'], for: 'logins by cloud identities' },
  { ids: ['SEC-58'], for: 'Raft: there is none, and no challenge to store' },
  { ids: ['SEC-62'], for: 'the PROXY protocol' },
  { ids: ['SEC-72'], for: 'plugins: no code and no path of code is ever read from the store' },
  { ids: ['SEC-79', 'SEC-97'], for: 'an agent and a template renderer' },
  { ids: ['SEC-91'], for: 'a container image' },
  { ids: ['SEC-96'], for: 'replicas' },
];

/** Tested elsewhere, beside the code: the file holds the case. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'SEC-42': 'src/leases and src/tokens',
  'SEC-61': 'src/audit/broker.test.ts',
  'SEC-74': 'src/crypto/shamir.test.ts',
  'SEC-84': 'src/system/config',
  'SEC-98': 'src/client/client.test.ts',
};
