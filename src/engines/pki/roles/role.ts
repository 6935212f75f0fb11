/** What a role allows and demands: stored as it is shown. */
import type { Reader, Stored } from '../../../model/transaction.ts';

export interface RoleRecord {
  readonly ttl: number;
  readonly max_ttl: number;
  readonly allow_localhost: boolean;
  readonly allowed_domains: readonly string[];
  readonly allowed_domains_template: boolean;
  readonly allow_bare_domains: boolean;
  readonly allow_token_displayname: boolean;
  readonly allow_subdomains: boolean;
  readonly allow_glob_domains: boolean;
  readonly allow_wildcard_certificates: boolean;
  readonly allow_any_name: boolean;
  readonly allowed_uri_sans: readonly string[];
  readonly allowed_uri_sans_template: boolean;
  readonly allowed_other_sans: readonly string[];
  readonly allowed_serial_numbers: readonly string[];
  readonly allowed_user_ids: readonly string[];
  readonly enforce_hostnames: boolean;
  readonly allow_ip_sans: boolean;
  readonly allowed_ip_sans_cidr: readonly string[];
  readonly server_flag: boolean;
  readonly client_flag: boolean;
  readonly code_signing_flag: boolean;
  readonly email_protection_flag: boolean;
  readonly use_csr_common_name: boolean;
  readonly use_csr_sans: boolean;
  readonly key_type: string;
  readonly key_bits: number;
  readonly signature_bits: number;
  readonly use_pss: boolean;
  readonly key_usage: readonly string[];
  readonly ext_key_usage: readonly string[];
  readonly ext_key_usage_oids: readonly string[];
  readonly ou: readonly string[];
  readonly organization: readonly string[];
  readonly country: readonly string[];
  readonly locality: readonly string[];
  readonly province: readonly string[];
  readonly street_address: readonly string[];
  readonly postal_code: readonly string[];
  readonly generate_lease: boolean;
  readonly no_store: boolean;
  readonly require_cn: boolean;
  readonly cn_validations: readonly string[];
  readonly policy_identifiers: readonly string[];
  readonly basic_constraints_valid_for_non_ca: boolean;
  readonly not_before_duration: number;
  readonly not_before: string;
  readonly not_before_bound: string;
  readonly not_after: string;
  readonly not_after_bound: string;
  readonly issuer_ref: string;
}

export type Role = Stored<RoleRecord>;

export const ROLES = 'role/';

export async function findRole(store: Reader, name: string): Promise<Role | undefined> {
  return await store.getRecord<RoleRecord>(ROLES + name);
}

/** Allows any name and demands nothing: the basis of roots, intermediates and verbatim signatures. */
export const PERMISSIVE: Role = {
  ttl: 0,
  max_ttl: 0,
  allow_localhost: true,
  allowed_domains: [],
  allowed_domains_template: false,
  allow_bare_domains: false,
  allow_token_displayname: false,
  allow_subdomains: false,
  allow_glob_domains: false,
  allow_wildcard_certificates: true,
  allow_any_name: true,
  allowed_uri_sans: ['*'],
  allowed_uri_sans_template: false,
  allowed_other_sans: ['*'],
  allowed_serial_numbers: ['*'],
  allowed_user_ids: ['*'],
  enforce_hostnames: false,
  allow_ip_sans: true,
  allowed_ip_sans_cidr: [],
  server_flag: false,
  client_flag: false,
  code_signing_flag: false,
  email_protection_flag: false,
  use_csr_common_name: false,
  use_csr_sans: false,
  key_type: 'any',
  key_bits: 0,
  signature_bits: 0,
  use_pss: false,
  key_usage: [],
  ext_key_usage: [],
  ext_key_usage_oids: [],
  ou: [],
  organization: [],
  country: [],
  locality: [],
  province: [],
  street_address: [],
  postal_code: [],
  generate_lease: false,
  no_store: false,
  require_cn: false,
  cn_validations: ['disabled'],
  policy_identifiers: [],
  basic_constraints_valid_for_non_ca: false,
  not_before_duration: 0,
  not_before: '',
  not_before_bound: '',
  not_after: '',
  not_after_bound: '',
  issuer_ref: 'default',
};
