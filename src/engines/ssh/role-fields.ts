/** The parameters of a role, as data. */
import type { Values } from '../../model/field.ts';

export const ROLE_FIELDS = {
  role: { kind: 'string', default: '', description: 'Name of the role.' },
  key_type: {
    kind: 'string',
    default: '',
    description: 'What the role makes: `ca` for certificates, `otp` for one-time passwords.',
  },
  default_user: {
    kind: 'string',
    default: '',
    description: 'User that is meant when none is named.',
  },
  default_user_template: {
    kind: 'bool',
    default: false,
    description: 'The default user may hold identity templates.',
  },
  allowed_users: {
    kind: 'string',
    default: '',
    description:
      'Users that may be named, separated by commas. For certificates `*` allows any and an empty list none.',
  },
  allowed_users_template: {
    kind: 'bool',
    default: false,
    description: 'The allowed users may hold identity templates.',
  },
  allowed_domains: {
    kind: 'string',
    default: '',
    description: 'Domains that certificates of hosts may be for; `*` allows any.',
  },
  allowed_domains_template: {
    kind: 'bool',
    default: false,
    description: 'The allowed domains may hold identity templates.',
  },
  cidr_list: {
    kind: 'string',
    default: '',
    description: 'For `otp`: addresses of hosts, as CIDR blocks separated by commas.',
  },
  exclude_cidr_list: {
    kind: 'string',
    default: '',
    description: 'For `otp`: blocks whose addresses are left out.',
  },
  port: {
    kind: 'int',
    default: 0,
    description: 'For `otp`: port that clients are told; 22 by default.',
  },
  ttl: {
    kind: 'duration_seconds',
    default: 0,
    description: 'How long a certificate lives when the caller does not say.',
  },
  max_ttl: { kind: 'duration_seconds', default: 0, description: 'How long one may live.' },
  allowed_critical_options: {
    kind: 'string',
    default: '',
    description: 'Critical options that callers may set, separated by commas; empty allows any.',
  },
  allowed_extensions: {
    kind: 'string',
    default: '',
    description:
      'Extensions that callers may set, separated by commas; `*` allows any and an empty list none.',
  },
  default_critical_options: {
    kind: 'map',
    default: {},
    description: 'Critical options of a certificate whose caller sets none.',
  },
  default_extensions: {
    kind: 'map',
    default: {},
    description: 'Extensions of a certificate whose caller sets none.',
  },
  default_extensions_template: {
    kind: 'bool',
    default: false,
    description: 'Values of the default extensions may hold identity templates.',
  },
  allow_user_certificates: {
    kind: 'bool',
    default: false,
    description: 'Certificates of users are signed.',
  },
  allow_host_certificates: {
    kind: 'bool',
    default: false,
    description: 'Certificates of hosts are signed.',
  },
  allow_bare_domains: {
    kind: 'bool',
    default: false,
    description: 'A host may be called like an allowed domain itself.',
  },
  allow_subdomains: {
    kind: 'bool',
    default: false,
    description: 'A host may be called like something below an allowed domain.',
  },
  allow_user_key_ids: {
    kind: 'bool',
    default: false,
    description: 'Callers may choose the key id.',
  },
  allow_empty_principals: {
    kind: 'bool',
    default: false,
    description:
      'Certificates without any principal are signed: such a one stands for every user or host.',
  },
  key_id_format: {
    kind: 'string',
    default: '',
    description:
      'Form of the key id, with `{{token_display_name}}`, `{{role_name}}` and `{{public_key_hash}}`.',
  },
  allowed_user_key_lengths: {
    kind: 'map',
    default: {},
    description: 'Sizes in bits that keys may have, by type; empty allows every key.',
  },
  algorithm_signer: {
    kind: 'string',
    default: '',
    description:
      'Signature algorithm of an RSA authority: ssh-rsa, rsa-sha2-256, rsa-sha2-512 or default.',
  },
  not_before_duration: {
    kind: 'duration_seconds',
    default: 30,
    description:
      'How long before its making a certificate begins to count, for clocks that are behind.',
  },
  issuer_ref: {
    kind: 'string',
    default: '',
    description: 'Authority that signs: its id, its name, or `default`.',
  },
} as const;

export type RoleFields = Values<typeof ROLE_FIELDS>;
