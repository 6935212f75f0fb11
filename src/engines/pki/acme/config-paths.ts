/** Reading and setting `config/acme`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import type { Request } from '../../../model/request.ts';
import { ACME_CONFIG, acmeConfig, checkedAcme, configProblem } from './config.ts';
import type { AcmeConfig } from './config.ts';

const CONFIG_FIELDS = {
  enabled: { kind: 'bool', description: 'There is an ACME server.' },
  allowed_issuers: {
    kind: 'comma_string_list',
    description: 'Issuers that make certificates for ACME; `*` is any.',
  },
  allowed_roles: {
    kind: 'comma_string_list',
    description: 'Roles that have a directory; `*` is any.',
  },
  allow_role_ext_key_usage: {
    kind: 'bool',
    description: 'Extended usages are those of the role; otherwise certificates are for servers.',
  },
  default_directory_policy: {
    kind: 'string',
    description: 'The directory without a role: forbid, sign-verbatim, or `role:` and a name.',
  },
  dns_resolver: {
    kind: 'string',
    description: 'Address and port of the DNS server that challenges are looked up at.',
  },
  eab_policy: {
    kind: 'string',
    description:
      'Whether accounts must be bound: not-required, new-account-required, always-required.',
  },
  validation_networks: {
    kind: 'comma_string_list',
    description: 'Networks that challenges are fetched from although they are not public.',
  },
  http_port: { kind: 'int', description: 'Port of http-01 challenges, where it is not 80.' },
  tls_port: { kind: 'int', description: 'Port of tls-alpn-01 challenges, where it is not 443.' },
} as const;

type ConfigValues = { readonly [N in keyof AcmeConfig]: AcmeConfig[N] | undefined };

export function acmeConfigPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'config/acme',
      fields: CONFIG_FIELDS,
      help: { synopsis: 'Reads and sets for whom there is an ACME server.' },
      operations: {
        read: {
          summary: 'Read the settings of the ACME server',
          async handler(_request, store) {
            const config = await acmeConfig(store);
            const problem = await configProblem(store, config);
            return { data: { ...config }, warnings: problem === undefined ? [] : [problem] };
          },
        },
        update: {
          summary: 'Change the settings of the ACME server',
          async handler({ fields }: Request<ConfigValues>, store) {
            const named = Object.entries(fields).filter(([, value]) => value !== undefined);
            const wanted = {
              ...(await acmeConfig(store)),
              ...(Object.fromEntries(named) as Partial<AcmeConfig>),
            };
            const config = await checkedAcme(store, wanted);
            store.putJson(ACME_CONFIG, config);
            return { data: { ...config } };
          },
        },
      },
    }),
  ];
}
