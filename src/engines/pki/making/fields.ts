/** Parameters that many of the paths which make certificates share. */

export const FORMAT_FIELDS = {
  format: {
    kind: 'string',
    description: 'How certificates and keys are written: "pem", "der" (in base64) or "pem_bundle".',
    default: 'pem',
  },
  private_key_format: {
    kind: 'string',
    description: '"pkcs8" for PKCS #8; otherwise the form that is usual for the type of key.',
    default: 'der',
  },
} as const;

/** Names and validity of any certificate that is asked for. */
export const NAME_FIELDS = {
  common_name: { kind: 'string', default: '', description: 'Common name of the subject.' },
  alt_names: {
    kind: 'string',
    default: '',
    description: 'Further host names and e-mail addresses, separated by commas.',
  },
  ip_sans: {
    kind: 'comma_string_list',
    default: [],
    description: 'IP addresses that the certificate is for.',
  },
  uri_sans: {
    kind: 'comma_string_list',
    default: [],
    description: 'URIs that the certificate is for.',
  },
  other_sans: {
    kind: 'comma_string_list',
    default: [],
    description:
      'Other names, each as an object identifier, a type and a value: `1.2.3;UTF8:text`.',
  },
  serial_number: {
    kind: 'string',
    default: '',
    description: 'Serial number in the subject, not that of the certificate.',
  },
  exclude_cn_from_sans: {
    kind: 'bool',
    description: 'The common name is not among the alternative names as well.',
    default: false,
  },
  ttl: {
    kind: 'duration_seconds',
    description: 'Lifetime of the certificate; no longer than the role and the mount allow.',
    default: 0,
  },
  not_before: {
    kind: 'string',
    description: 'Beginning of the validity in RFC 3339.',
  },
  not_after: {
    kind: 'string',
    description: 'End of the validity in RFC 3339, instead of a lifetime.',
  },
} as const;

export const LEAF_FIELDS = {
  user_ids: { kind: 'comma_string_list', default: [], description: 'User ids of the subject.' },
  remove_roots_from_chain: {
    kind: 'bool',
    description: 'Certificates that end their own chain are left out of `ca_chain`.',
    default: false,
  },
} as const;

export const ROLE = { kind: 'string', description: 'Name of the role.', default: '' } as const;
export const ISSUER_REF = {
  kind: 'string',
  description: 'An issuer: `default`, its name or its id.',
  default: 'default',
} as const;
export const KEY_REF = {
  kind: 'string',
  description: 'A key: `default`, its name or its id.',
  default: 'default',
} as const;
export const ISSUER_NAME = {
  kind: 'string',
  description: 'Name for the issuer; no two issuers share one, and `default` is none.',
} as const;
export const KEY_NAME = {
  kind: 'string',
  description: 'Name for the key; no two keys share one, and `default` is none.',
} as const;
export const CSR = {
  kind: 'string',
  description: 'Certification request in PEM.',
  default: '',
} as const;
export const KEY_TYPE = {
  kind: 'string',
  description: 'Type of the key: rsa, ec or ed25519.',
  default: 'rsa',
} as const;
export const KEY_BITS = {
  kind: 'int',
  description:
    'Size of the key: 2048, 3072 or 4096 for rsa, 224, 256, 384 or 521 for ec; 0 is 2048 or 256.',
  default: 0,
} as const;
export const SIGNATURE_FIELDS = {
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
} as const;

export const KEY_USAGE_FIELDS = {
  key_usage: {
    kind: 'comma_string_list',
    description: 'Key usages: DigitalSignature, KeyAgreement, KeyEncipherment and so on.',
    default: ['DigitalSignature', 'KeyAgreement', 'KeyEncipherment'],
  },
  ext_key_usage: {
    kind: 'comma_string_list',
    description: 'Extended key usages by name: ServerAuth, ClientAuth, OCSPSigning and so on.',
    default: [],
  },
  ext_key_usage_oids: {
    kind: 'comma_string_list',
    description: 'Extended key usages by object identifier.',
    default: [],
  },
} as const;

/** Parts of the subject that belong to whoever runs the authority. */
export const SUBJECT_FIELDS = {
  ou: {
    kind: 'comma_string_list',
    default: [],
    description: 'Organizational units of the subject.',
  },
  organization: {
    kind: 'comma_string_list',
    default: [],
    description: 'Organizations of the subject.',
  },
  country: { kind: 'comma_string_list', default: [], description: 'Countries of the subject.' },
  locality: { kind: 'comma_string_list', default: [], description: 'Localities of the subject.' },
  province: {
    kind: 'comma_string_list',
    default: [],
    description: 'States or provinces of the subject.',
  },
  street_address: {
    kind: 'comma_string_list',
    default: [],
    description: 'Street addresses of the subject.',
  },
  postal_code: {
    kind: 'comma_string_list',
    default: [],
    description: 'Postal codes of the subject.',
  },
} as const;

export const NOT_BEFORE_DURATION = {
  kind: 'duration_seconds',
  description: 'How long before now the validity begins.',
  default: 30,
} as const;

export const AUTHORITY_LIMIT_FIELDS = {
  max_path_length: {
    kind: 'int',
    description: 'How many authorities may follow below; -1 is any number.',
  },
  permitted_dns_domains: {
    kind: 'comma_string_list',
    default: [],
    description: 'Certificates below are for names in these domains only.',
  },
} as const;
