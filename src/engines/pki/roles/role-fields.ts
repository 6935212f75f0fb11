/** Parameters of a role. */
export const ROLE_FIELDS = {
  name: { kind: 'string', description: 'Name of the role.', default: '' },
  backend: { kind: 'string', description: 'Without effect.' },
  ttl: {
    kind: 'duration_seconds',
    description: 'Lifetime of a certificate when none is asked for; 0 is that of the mount.',
    default: 0,
  },
  max_ttl: {
    kind: 'duration_seconds',
    description: 'Longest lifetime; 0 is that of the mount.',
    default: 0,
  },
  allow_localhost: {
    kind: 'bool',
    description: 'Names `localhost` and `localdomain` are allowed.',
    default: true,
  },
  allowed_domains: {
    kind: 'comma_string_list',
    description: 'Domains that names may be of; the other settings say how.',
    default: [],
  },
  allowed_domains_template: {
    kind: 'bool',
    description: 'Allowed domains may hold identity templates.',
    default: false,
  },
  allow_bare_domains: {
    kind: 'bool',
    description: 'The allowed domains themselves are allowed names.',
    default: false,
  },
  allow_subdomains: {
    kind: 'bool',
    description: 'Names below the allowed domains are allowed, wildcards among them.',
    default: false,
  },
  allow_glob_domains: {
    kind: 'bool',
    description: 'Allowed domains may hold `*`, which stands for any characters.',
    default: false,
  },
  allow_wildcard_certificates: {
    kind: 'bool',
    description: 'Names with a wildcard are allowed where their domain is.',
    default: true,
  },
  allow_any_name: { kind: 'bool', description: 'Any name is allowed.', default: false },
  enforce_hostnames: {
    kind: 'bool',
    description: 'Names must be host names, and e-mail addresses end in one.',
    default: true,
  },
  allow_ip_sans: { kind: 'bool', description: 'IP addresses are allowed.', default: true },
  allowed_ip_sans_cidr: {
    kind: 'comma_string_list',
    description: 'Networks that IP addresses must be of; any without it.',
    default: [],
  },
  allowed_uri_sans: {
    kind: 'comma_string_list',
    description: 'URIs that are allowed; `*` stands for any characters.',
    default: [],
  },
  allowed_uri_sans_template: {
    kind: 'bool',
    description: 'Allowed URIs may hold identity templates.',
    default: false,
  },
  allowed_other_sans: {
    kind: 'comma_string_list',
    description: 'Other names that are allowed: `<object identifier>;UTF8:<glob>`, or `*` alone.',
    default: [],
  },
  allowed_serial_numbers: {
    kind: 'comma_string_list',
    description: 'Serial numbers that a subject may have; `*` stands for any characters.',
    default: [],
  },
  allowed_user_ids: {
    kind: 'comma_string_list',
    description: 'User ids that a subject may have; `*` stands for any characters.',
    default: [],
  },
  server_flag: { kind: 'bool', description: 'Certificates are for servers.', default: true },
  client_flag: { kind: 'bool', description: 'Certificates are for clients.', default: true },
  code_signing_flag: {
    kind: 'bool',
    description: 'Certificates are for signing programs.',
    default: false,
  },
  email_protection_flag: {
    kind: 'bool',
    description: 'Certificates are for e-mail.',
    default: false,
  },
  key_type: {
    kind: 'string',
    description: 'Type of the key: rsa, ec, ed25519, or any for requests that bring their own.',
    default: 'rsa',
  },
  key_bits: {
    kind: 'int',
    description: 'Size of the key; 0 is 2048 for rsa and 256 for ec.',
    default: 0,
  },
  signature_bits: {
    kind: 'int',
    description: 'Bits of the hash that is signed: 256, 384 or 512; 0 is what fits the key.',
    default: 0,
  },
  use_pss: {
    kind: 'bool',
    description: 'Signatures with an RSA key are PSS.',
    default: false,
  },
  key_usage: {
    kind: 'comma_string_list',
    description: 'Key usages: DigitalSignature, KeyAgreement, KeyEncipherment and so on.',
    default: ['DigitalSignature', 'KeyAgreement', 'KeyEncipherment'],
  },
  ext_key_usage: {
    kind: 'comma_string_list',
    description: 'Extended key usages by name, beside those of the flags.',
    default: [],
  },
  ext_key_usage_oids: {
    kind: 'comma_string_list',
    description: 'Extended key usages by object identifier.',
    default: [],
  },
  use_csr_common_name: {
    kind: 'bool',
    description: 'The common name of a request is taken over.',
    default: true,
  },
  use_csr_sans: {
    kind: 'bool',
    description: 'The alternative names of a request are taken over.',
    default: true,
  },
  ou: {
    kind: 'comma_string_list',
    description: 'Organizational units of the subject.',
    default: [],
  },
  organization: {
    kind: 'comma_string_list',
    description: 'Organizations of the subject.',
    default: [],
  },
  country: { kind: 'comma_string_list', description: 'Countries of the subject.', default: [] },
  locality: { kind: 'comma_string_list', description: 'Localities of the subject.', default: [] },
  province: {
    kind: 'comma_string_list',
    description: 'States or provinces of the subject.',
    default: [],
  },
  street_address: {
    kind: 'comma_string_list',
    description: 'Street addresses of the subject.',
    default: [],
  },
  postal_code: {
    kind: 'comma_string_list',
    description: 'Postal codes of the subject.',
    default: [],
  },
  generate_lease: {
    kind: 'bool',
    description: 'Each certificate has a lease; its end revokes the certificate.',
    default: false,
  },
  no_store: {
    kind: 'bool',
    description: 'Certificates are not kept: they can be neither listed nor revoked by number.',
    default: false,
  },
  require_cn: { kind: 'bool', description: 'There must be a common name.', default: true },
  cn_validations: {
    kind: 'comma_string_list',
    description:
      'What a common name may be: `email`, `hostname`, both, or `disabled` for anything.',
    default: ['email', 'hostname'],
  },
  policy_identifiers: {
    kind: 'comma_string_list',
    description:
      'Certificate policies: object identifiers, or a JSON list of objects with `oid`, `cps` and `notice`.',
    default: [],
  },
  basic_constraints_valid_for_non_ca: {
    kind: 'bool',
    description: 'Certificates say that they are not of an authority.',
    default: false,
  },
  not_before_duration: {
    kind: 'duration_seconds',
    description: 'How long before now the validity begins.',
    default: 30,
  },
  not_before: {
    kind: 'string',
    description: 'Beginning of the validity in RFC 3339, whatever is asked for.',
    default: '',
  },
  not_before_bound: {
    kind: 'string',
    description: 'Whether a beginning may be asked for: permit, duration or forbid.',
    default: 'permit',
  },
  not_after: {
    kind: 'string',
    description: 'End of the validity in RFC 3339, whatever is asked for.',
    default: '',
  },
  not_after_bound: {
    kind: 'string',
    description:
      'Whether an end may be asked for: permit, forbid, ttl-limited, or the latest time.',
    default: 'permit',
  },
  issuer_ref: {
    kind: 'string',
    description: 'The issuer: `default`, its name or its id.',
    default: 'default',
  },
} as const;
