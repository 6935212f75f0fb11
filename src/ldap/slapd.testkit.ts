/** A real OpenLDAP server in a folder of its own, with people, groups and TLS; stopped and removed by whoever started it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SLAPD = '/usr/sbin/slapd';
export const SLAPD_IS_THERE: boolean = existsSync(SLAPD);
export const SLAPD_HINT = 'apt-get install slapd';

export const BASE = 'dc=example,dc=org';
export const PEOPLE: string = `ou=people,${BASE}`;
export const GROUPS: string = `ou=groups,${BASE}`;
export const ACCOUNT: { readonly dn: string; readonly password: string } = {
  dn: `cn=searcher,${BASE}`,
  password: 'search me',
};
/** Whoever is below it may change everything. */
export const MANAGERS: string = `ou=managers,${BASE}`;
/** Passwords of the people, by `uid`. */
export const PASSWORDS: Readonly<Record<string, string>> = {
  ada: 'lovelace',
  bob: 'builder',
  'eve*': 'star',
  twin: 'one of two',
};

const LDIF = `
dn: ${BASE}
objectClass: organization
objectClass: dcObject
o: Example
dc: example

dn: ${ACCOUNT.dn}
objectClass: person
objectClass: simpleSecurityObject
sn: searcher
userPassword: ${ACCOUNT.password}

dn: ${PEOPLE}
objectClass: organizationalUnit

dn: ou=others,${PEOPLE}
objectClass: organizationalUnit

dn: ${MANAGERS}
objectClass: organizationalUnit

dn: ${GROUPS}
objectClass: organizationalUnit

dn: uid=ada,${PEOPLE}
objectClass: inetOrgPerson
cn: Ada
sn: Lovelace
mail: ada@example.org
userPassword: lovelace

dn: uid=bob,${PEOPLE}
objectClass: inetOrgPerson
cn: Bob
sn: Builder
mail: bob@example.org
employeeType: contractor
userPassword: builder

dn: uid=eve\\2A,${PEOPLE}
objectClass: inetOrgPerson
cn: Eve
sn: Star
userPassword: star

dn: uid=twin,${PEOPLE}
objectClass: inetOrgPerson
cn: Twin
sn: One
userPassword: one of two

dn: uid=twin,ou=others,${PEOPLE}
objectClass: inetOrgPerson
cn: Twin
sn: Two
userPassword: one of two

dn: cn=Engineers,${GROUPS}
objectClass: groupOfNames
member: uid=ada,${PEOPLE}
member: uid=eve\\2A,${PEOPLE}

dn: cn=on call,${GROUPS}
objectClass: posixGroup
gidNumber: 1000
memberUid: ada
memberUid: bob
`;

export interface Slapd {
  readonly url: string;
  /** The same server, over TLS from the first byte. */
  readonly secureUrl: string;
  /** The authority of its certificate, which is for `localhost`. */
  readonly caPem: string;
  /** Changes the directory, as its administrator. */
  modify(ldif: string): void;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function certificates(folder: string): void {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Authority');
  openssl('req', ...key, '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', '/CN=localhost');
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl('x509', '-req', '-in', 'csr.pem', ...authority, '-out', 'cert.pem', '-extfile', 'names');
}

/** @throws {Error} when the server does not answer soon */
export async function startSlapd(): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'slapd-'));
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  certificates(folder);
  const config = join(folder, 'slapd.conf');
  await writeFile(
    config,
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/slapd.pid
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
database mdb
maxsize 10485760
suffix "${BASE}"
rootdn "cn=admin,${BASE}"
rootpw admin
directory ${folder}/data
access to * by dn.onelevel="${MANAGERS}" manage by * break
access to attrs=userPassword by self write by anonymous auth by * none
access to * by anonymous read by users read by * none
`,
  );
  await writeFile(join(folder, 'people.ldif'), LDIF.trimStart());
  execFileSync('/usr/sbin/slapadd', ['-f', config, '-l', join(folder, 'people.ldif')], {
    stdio: 'pipe',
  });
  const [plain, secure] = [await freePort(), await freePort()];
  const url = `ldap://localhost:${plain}`;
  const listen = `ldap://127.0.0.1:${plain} ldaps://127.0.0.1:${secure}`;
  const child = spawn(SLAPD, ['-f', config, '-h', listen, '-d', '0'], { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      child.kill();
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  };
  const { connectLdap } = await import('./connection.ts');
  for (let attempts = 0; ; attempts++) {
    try {
      const connection = await connectLdap({ ...PLAIN, url });
      await connection.close();
      break;
    } catch (error) {
      if (attempts > 100 || child.exitCode !== null) {
        await stop();
        throw error;
      }
      await sleep(50);
    }
  }
  return {
    url,
    secureUrl: `ldaps://localhost:${secure}`,
    caPem: execFileSync('cat', [join(folder, 'ca.pem')], { encoding: 'utf8' }),
    modify(ldif) {
      const admin = ['-x', '-H', url, '-D', `cn=admin,${BASE}`, '-w', 'admin'];
      execFileSync('ldapmodify', admin, { input: ldif, stdio: ['pipe', 'ignore', 'pipe'] });
    },
    stop,
  };
}

/** Settings of a plain connection. */
export const PLAIN = {
  startTls: false,
  insecureTls: false,
  caPem: '',
  clientCertificatePem: '',
  clientKeyPem: '',
  tlsMinVersion: 'tls12',
  tlsMaxVersion: 'tls13',
  connectTimeoutMs: 5000,
  requestTimeoutMs: 5000,
} as const;
