/** Accounts of an OpenLDAP directory, which have an engine of their own. */
import { LdapError, connectLdap } from '../../../src/ldap/connection.ts';
import type { LdapConnection } from '../../../src/ldap/connection.ts';
import { BASE, MANAGERS, PEOPLE, PLAIN, startSlapd } from '../../../src/ldap/slapd.testkit.ts';
import { FIXED_ACCOUNTS, FIXED_PASSWORD, KEEPERS, KEEPER_PASSWORD } from '../place.ts';
import type { AccountPlace } from '../place.ts';

const LENT = `ou=others,${PEOPLE}`;
const CREATION = `dn: cn={{.Username}},${LENT}
objectClass: person
objectClass: simpleSecurityObject
cn: {{.Username}}
sn: {{.RoleName}}
userPassword: {{.Password}}
`;
const DELETION = `dn: cn={{.Username}},${LENT}
changetype: delete
`;

function person(dn: string, password: string): string {
  const classes = 'objectClass: person\nobjectClass: simpleSecurityObject';
  return `dn: ${dn}\nchangetype: add\n${classes}\nsn: kept\nuserPassword: ${password}\n`;
}

export async function directoryPlace(): Promise<AccountPlace> {
  const target = await startSlapd();
  const dnOf = (name: string): string => `cn=${name},${PEOPLE}`;
  const managerOf = (name: string): string => `cn=${name},${MANAGERS}`;
  const [root, turn] = KEEPERS;
  target.modify(
    [
      ...FIXED_ACCOUNTS.map((name) => person(dnOf(name), FIXED_PASSWORD)),
      ...KEEPERS.map((name) => person(managerOf(name), KEEPER_PASSWORD)),
    ].join('\n'),
  );

  async function opened<T>(act: (connection: LdapConnection) => Promise<T>): Promise<T> {
    const connection = await connectLdap({ ...PLAIN, url: target.url });
    try {
      return await act(connection);
    } finally {
      await connection.close();
    }
  }

  return {
    settings: [
      ['sys/mounts/ldap', { type: 'ldap' }],
      [
        'ldap/config',
        {
          url: target.url,
          binddn: managerOf(root),
          bindpass: KEEPER_PASSWORD,
          userdn: PEOPLE,
          schema: 'openldap',
        },
      ],
      [
        'ldap/role/r',
        {
          creation_ldif: CREATION,
          deletion_ldif: DELETION,
          default_ttl: '1h',
          max_ttl: '24h',
        },
      ],
      ['ldap/static-role/s', { username: 'fixed', dn: dnOf('fixed'), rotation_period: '24h' }],
    ],
    paths: {
      creds: 'ldap/creds/r',
      rotateRole: 'ldap/rotate-role/s',
      readRole: 'ldap/static-cred/s',
      rotateRoot: 'ldap/rotate-root',
    },
    rotator: {
      name: 'ldap',
      settings: {
        url: target.url,
        binddn: managerOf(turn),
        bindpass: KEEPER_PASSWORD,
        accounts: [dnOf('turn_a'), dnOf('turn_b')],
      },
    },
    fixed: dnOf('fixed'),
    turn: dnOf('turn_a'),
    async lent() {
      const entries = await opened(async (connection) => {
        await connection.bind(`cn=admin,${BASE}`, 'admin');
        const filter = '(cn=v*)';
        return await connection.search({
          base: LENT,
          filter,
          attributes: ['1.1'],
          sizeLimit: 1000,
        });
      });
      return new Set(entries.map(({ dn }) => dn.slice('cn='.length, dn.indexOf(','))));
    },
    async logsIn(user, password) {
      const dn = user.includes('=') ? user : `cn=${user},${LENT}`;
      return await opened(async (connection) => {
        try {
          await connection.bind(dn, password);
          return true;
        } catch (error) {
          if (error instanceof LdapError && error.wrongCredentials) return false;
          throw error;
        }
      });
    },
    stop: () => target.stop(),
  };
}
