/**
 * Published weaknesses whose tests are not in this folder: where they are, or why there is none.
 * Whoever adds what a case waits for adds the test, and moves the row.
 */

interface Waiting {
  readonly ids: readonly string[];
  /** What has to exist first. */
  readonly for: string;
}

export const WAITING: readonly Waiting[] = [
  { ids: ['SEC-58'], for: 'Raft: there is none, and no challenge to store' },
  { ids: ['SEC-62'], for: 'the PROXY protocol' },
  { ids: ['SEC-72'], for: 'plugins: no code and no path of code is ever read from the store' },
  {
    ids: ['SEC-97'],
    for: 'templates of tenants: those of the agent are of its operator, and sandbox_path is refused',
  },
  { ids: ['SEC-91'], for: 'an image that is built here' },
  { ids: ['SEC-74'], for: 'a timing harness' },
];

/** A file and the beginning of the name of a test in it. */
export type NamedTest = readonly [file: string, test: string];

/** Tested beside the code. */
export const ELSEWHERE: Readonly<Record<string, readonly NamedTest[]>> = {
  'SEC-13': [
    ['src/server/lending/database.test.ts', 'the end of a namespace is the end of its accounts'],
  ],
  'SEC-15': [
    ['src/engines/ssh/ssh.test.ts', 'SEC-15: the value of a template is one name'],
    ['src/engines/pki/attacks.test.ts', 'SEC-15: metadata of an identity neither is a wildcard'],
    ['src/engines/pki/attacks.test.ts', 'SEC-15: metadata of an identity is no wildcard in a URI'],
  ],
  'SEC-24': [
    ['src/auth/cert/cert.test.ts', 'a certificate that is no authority is trusted as a whole'],
  ],
  'SEC-27': [
    ['src/auth/cert/revocation.test.ts', 'a responder that nobody named is not'],
    ['src/auth/cert/revocation.test.ts', 'an answer that is out of date is none'],
    ['src/auth/cert/revocation.test.ts', 'without an answer, the entry says'],
    ['src/auth/cert/revocation.test.ts', 'an answer about another certificate'],
    ['src/auth/cert/revocation.test.ts', 'one of several responders is enough'],
  ],
  'SEC-30': [
    ['src/auth/userpass/userpass.test.ts', 'an unknown user, a wrong password'],
    ['src/auth/userpass/userpass.test.ts', 'an unknown user costs the work of a known one'],
  ],
  'SEC-31': [
    ['src/server/access/lockout.test.ts', 'five failures over several spellings'],
    ['src/auth/ldap/ldap.test.ts', 'spellings are one user, and one count of failures'],
  ],
  'SEC-33': [['src/auth/approle/approle.test.ts', 'neither by accessor nor by the secret id']],
  'SEC-34': [['src/auth/approle/approle.test.ts', 'a secret id ends with its time']],
  'SEC-35': [
    ['src/auth/jwt/jwt.test.ts', 'whatever is wrong, the caller hears the same'],
    ['src/auth/jwt/jwt.test.ts', 'a token for an audience is refused where'],
    ['src/auth/jwt/jwt.test.ts', 'bound_audiences and the audience of a token'],
    ['src/auth/jwt/jwt.test.ts', 'a role for browsers takes no token'],
    ['src/auth/jwt/oidc.test.ts', 'a browser at an address that the role is not bound to'],
  ],
  'SEC-36': [['src/auth/ldap/ldap.test.ts', 'who is there and who is not are refused alike']],
  'SEC-37': [['src/auth/ldap/ldap.test.ts', 'who is there and who is not are refused alike']],
  'SEC-38': [
    ['src/auth/kubernetes/api-server.test.ts', 'a renewal sees that the account is gone'],
    ['src/auth/kubernetes/kubernetes.test.ts', 'a service account that is gone renews nothing'],
  ],
  'SEC-39': [['src/auth/ldap/ldap.test.ts', 'a name cannot say more than a name']],
  'SEC-42': [
    ['src/server/lending/leases.test.ts', 'finds what ended meanwhile'],
    ['src/server/lending/leases.test.ts', 'with dots in its path is found'],
    ['src/server/lending/leases.test.ts', 'whose last use was the last of its token'],
    ['src/server/lending/leases.test.ts', 'is told, tried again with growing pauses'],
  ],
  'SEC-43': [['src/engines/ssh/ssh.test.ts', 'SEC-43: a certificate for everybody']],
  'SEC-44': [['src/engines/pki/attacks.test.ts', 'SEC-44: a bare domain']],
  'SEC-45': [
    ['src/engines/transit/data/encryption.test.ts', 'a nonce of the caller’s own is never used'],
  ],
  'SEC-46': [
    ['src/engines/totp/totp.test.ts', 'a code counts once, in every spelling'],
    ['src/server/access/second-factor.test.ts', 'a code counts once, in every spelling'],
  ],
  'SEC-48': [['src/server/lending/database.test.ts', 'a revocation that fails is tried again']],
  'SEC-49': [['src/server/lending/database.test.ts', 'whoever may read a role gets no account']],
  'SEC-61': [['src/server/audit.test.ts', 'SEC-61: a reply that cannot be recorded']],
  'SEC-64': [['src/engines/transit/keys/keys.test.ts', 'every type with every flag is made whole']],
  'SEC-67': [['src/server/acme/attacks.test.ts', 'SEC-67: what nobody proved']],
  'SEC-68': [['src/server/acme/attacks.test.ts', 'SEC-68: a redirect leads neither']],
  'SEC-78': [
    ['src/auth/jwt/oidc.test.ts', 'a nonce is needed, and a refusal is a page without markup'],
    ['src/auth/jwt/oidc.test.ts', 'asks the user, then whoever polls'],
    ['rig/pages.test.ts', 'take no form of another site'],
    ['rig/pages.test.ts', 'show an approver what waits'],
  ],
  'SEC-79': [['rig/agent.test.ts', 'passes requests on with its token, where that is wanted, and']],
  'SEC-84': [
    ['src/server/config/sanitized.test.ts', 'the sanitized configuration holds no canary'],
  ],
  'SEC-86': [['src/server/access/second-factor.test.ts', 'it is enforced after a restart']],
  'SEC-88': [
    ['src/auth/aws/aws.test.ts', 'nothing is asked of a host, path or action'],
    ['src/auth/aws/aws.test.ts', 'without an endpoint of ours, only AWS itself'],
    ['src/auth/aws/aws.test.ts', 'an answer in another form than STS has'],
    ['src/auth/aws/aws.test.ts', 'a role is bound by its id'],
    ['src/auth/azure/azure.test.ts', 'bounds hold by the token’s word'],
    ['src/auth/gcp/gcp.test.ts', 'nobody is asked for the keys of an account'],
  ],
  'SEC-89': [['src/server/lending/database.test.ts', 'whoever may read a role gets no account']],
  'SEC-90': [
    ['src/auth/ldap/ldap.test.ts', 'a certificate for another name is refused'],
    ['src/auth/kubernetes/api-server.test.ts', 'the certificate of the API server is checked'],
    ['src/targets/postgresql/encryption.test.ts', 'the certificate of the server is verified'],
  ],
  'SEC-96': [
    ['src/server/replicas/replicas.test.ts', 'a revoked token is refused everywhere'],
    ['src/server/replicas/replicas.test.ts', 'a change of a policy binds the next request'],
  ],
  'SEC-98': [['src/client/client.test.ts', 'an error never shows token or body']],
};
