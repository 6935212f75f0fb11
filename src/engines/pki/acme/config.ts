/** `config/acme`: whether and for whom there is an ACME server. */
import { canonicalCidr } from '../../../base/cidr.ts';
import { isIP } from 'node:net';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import { readIndex } from '../authorities/records.ts';
import { canonicalRef, findIssuerId } from '../authorities/resolve.ts';
import { clusterRecord } from '../authorities/urls.ts';
import { findRole } from '../roles/role.ts';

export const EAB_POLICIES = ['not-required', 'new-account-required', 'always-required'] as const;
export type EabPolicy = (typeof EAB_POLICIES)[number];

export interface AcmeConfig {
  readonly enabled: boolean;
  readonly allowed_issuers: readonly string[];
  readonly allowed_roles: readonly string[];
  readonly allow_role_ext_key_usage: boolean;
  readonly default_directory_policy: string;
  readonly dns_resolver: string;
  readonly eab_policy: string;
  /** Networks that challenges are fetched from although they are not public. */
  readonly validation_networks: readonly string[];
  readonly http_port: number;
  readonly tls_port: number;
}

export const ACME_CONFIG = 'config/acme';

const DEFAULTS: AcmeConfig = {
  enabled: false,
  allowed_issuers: ['*'],
  allowed_roles: ['*'],
  allow_role_ext_key_usage: false,
  default_directory_policy: 'sign-verbatim',
  dns_resolver: '',
  eab_policy: 'not-required',
  validation_networks: [],
  http_port: 80,
  tls_port: 443,
};

export async function acmeConfig(store: Reader): Promise<AcmeConfig> {
  return { ...DEFAULTS, ...(await store.getRecord<AcmeConfig>(ACME_CONFIG)) };
}

const ROLE_PREFIX = 'role:';
const PORT_MAX = 65_535;

/** The role of the directory without a role; undefined when it signs requests as they are. */
export function defaultRole(config: AcmeConfig): string | undefined {
  const { default_directory_policy: policy } = config;
  return policy.startsWith(ROLE_PREFIX) ? policy.slice(ROLE_PREFIX.length) : undefined;
}

export function allowsAny(names: readonly string[]): boolean {
  return names.length === 1 && names[0] === '*';
}

function assertResolver(text: string): void {
  if (text === '') return;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  if (isIP(address) === 0 || Number(match?.[3]) > PORT_MAX) {
    throw invalidRequest(
      'failed to parse DNS resolver address: expected IPv4/IPv6 address and port',
    );
  }
}

async function assertAcmeRole(store: Reader, name: string, context: string): Promise<void> {
  const role = await findRole(store, name);
  if (role === undefined) throw invalidRequest(`${context}: role does not exist`);
  if (role.no_store) {
    throw invalidRequest(`${context}: role can not be used as NoStore is set to true`);
  }
}

function assertPolicy(policy: string): void {
  const known = policy === 'forbid' || policy === 'sign-verbatim';
  if (known || (policy.startsWith(ROLE_PREFIX) && policy.length > ROLE_PREFIX.length)) return;
  throw invalidRequest('invalid default_directory_policy: not a valid Default Directory Policy');
}

async function assertRoles(store: Reader, config: AcmeConfig): Promise<void> {
  const usual = defaultRole(config);
  if (usual !== undefined) {
    await assertAcmeRole(store, usual, 'default directory policy role is not a valid ACME role');
  }
  if (allowsAny(config.allowed_roles)) return;
  for (const [index, name] of config.allowed_roles.entries()) {
    if (name === '*') throw invalidRequest(`cannot use '*' as role name at index ${index}`);
    await assertAcmeRole(store, name, `allowed_roles[${index}] is not a valid acme role`);
  }
  if (usual !== undefined && !config.allowed_roles.includes(usual)) {
    throw invalidRequest('default directory policy role was not specified in allowed_roles');
  }
}

async function assertIssuers(store: Reader, config: AcmeConfig): Promise<void> {
  if (allowsAny(config.allowed_issuers)) return;
  const index = await readIndex(store);
  for (const [at, name] of config.allowed_issuers.entries()) {
    if (name === '*') throw invalidRequest(`cannot use '*' as issuer name at index ${at}`);
    if (findIssuerId(index, canonicalRef(name)) === undefined) {
      throw invalidRequest(
        `failed validating allowed_issuers: unable to fetch issuer at index ${at}`,
      );
    }
  }
}

const NO_PATH = "ACME feature requires local cluster 'path' field configuration to be set";

/** What is wrong with settings that are in force; undefined when nothing is. */
export async function configProblem(
  store: Reader,
  config: AcmeConfig,
): Promise<string | undefined> {
  if (!config.enabled) return undefined;
  return (await clusterRecord(store)).path === '' ? NO_PATH : undefined;
}

/** @throws {RequestError} */
export async function checkedAcme(store: Reader, config: AcmeConfig): Promise<AcmeConfig> {
  for (const name of ['allowed_roles', 'allowed_issuers'] as const) {
    if (config[name].length > 0) continue;
    throw invalidRequest(
      `${name} must take a non-zero length value; specify '*' as the value to allow anything or specify enabled=false to disable ACME entirely`,
    );
  }
  assertResolver(config.dns_resolver);
  const policy = config.eab_policy.trim().toLowerCase();
  if (!EAB_POLICIES.some((each) => each === policy)) {
    throw invalidRequest(
      `invalid eab policy name provided, valid values are '${EAB_POLICIES.join("', '")}'`,
    );
  }
  assertPolicy(config.default_directory_policy);
  if (!config.validation_networks.every((each) => canonicalCidr(each) !== undefined)) {
    throw invalidRequest('validation_networks holds what is no network');
  }
  for (const port of [config.http_port, config.tls_port]) {
    if (port < 1 || port > PORT_MAX) throw invalidRequest('a port is out of range');
  }
  await assertRoles(store, config);
  await assertIssuers(store, config);
  const problem = await configProblem(store, config);
  if (problem !== undefined) throw invalidRequest(problem);
  return { ...config, eab_policy: policy };
}
