/** What every request of ACME is judged by: the directory it came through, and who signed it (RFC 8555 §6). */
import { decodeBase64Url } from '../../../base/base64.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { claimsOf, JWS_ALGORITHMS, parseJws, verifyJws } from '../../../crypto/jws.ts';
import { RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { readIndex } from '../authorities/records.ts';
import type { StoredIssuer } from '../authorities/records.ts';
import { canonicalRef, DEFAULT_REF, findIssuerId, resolveIssuer } from '../authorities/resolve.ts';
import { clusterRecord } from '../authorities/urls.ts';
import { verbatimRole } from '../making/leaf-paths.ts';
import type { PkiPorts } from '../ports.ts';
import { findRole } from '../roles/role.ts';
import type { Role } from '../roles/role.ts';
import { acmeConfig, allowsAny, defaultRole } from './config.ts';
import type { AcmeConfig } from './config.ts';
import { readJwk } from './jwk.ts';
import type { AccountKey } from './jwk.ts';
import { redeemNonce } from './nonces.ts';
import { AcmeProblem } from './problem.ts';
import type { ProblemType } from './problem.ts';
import { findAccount } from './records.ts';
import type { AccountRecord } from './records.ts';

export interface AcmeValues {
  readonly role?: string | undefined;
  readonly issuer_ref?: string | undefined;
}

export interface Directory {
  readonly config: AcmeConfig;
  /** URL of the directory’s resources, with a slash at the end. */
  readonly baseUrl: string;
  /** URL of the mount. */
  readonly clusterUrl: string;
  /** Below the mount, with a slash at the end: `roles/web/acme/`. */
  readonly path: string;
  readonly role: Role;
  readonly issuer: StoredIssuer;
}

/** There is no ACME server here. */
export class AcmeDisabled extends Error {
  override readonly name = 'AcmeDisabled';
}

const USUAL_USAGES = {
  key_usage: ['DigitalSignature', 'KeyAgreement', 'KeyEncipherment'],
  ext_key_usage: [],
  ext_key_usage_oids: [],
  signature_bits: 0,
  use_pss: false,
  basic_constraints_valid_for_non_ca: false,
  remove_roots_from_chain: false,
} as const;

/** Something is wrong with the directory that is asked, not with the message. */
function directoryProblem(type: ProblemType, what: string): AcmeProblem {
  return new AcmeProblem(type, what, 'type first');
}

async function neededRole(store: Transaction, name: string): Promise<Role> {
  const role = await findRole(store, name);
  if (role === undefined) throw directoryProblem('malformed', 'role does not exist');
  if (!role.no_store) return role;
  throw directoryProblem('serverInternal', 'role can not be used as NoStore is set to true');
}

async function roleOf(
  store: Transaction,
  config: AcmeConfig,
  asked: string | undefined,
): Promise<Role> {
  if (asked !== undefined) {
    const role = await neededRole(store, asked);
    if (allowsAny(config.allowed_roles) || config.allowed_roles.includes(asked)) return role;
    throw directoryProblem('serverInternal', 'specified role not allowed by ACME policy');
  }
  if (config.default_directory_policy === 'forbid') {
    throw directoryProblem('serverInternal', 'default directory not allowed by ACME policy');
  }
  const usual = defaultRole(config);
  return usual === undefined
    ? { ...verbatimRole(USUAL_USAGES, undefined, false), issuer_ref: DEFAULT_REF }
    : await neededRole(store, usual);
}

async function issuerOf(
  store: Transaction,
  config: AcmeConfig,
  reference: string,
): Promise<StoredIssuer> {
  let issuer: StoredIssuer;
  try {
    issuer = await resolveIssuer(store, reference);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw directoryProblem('malformed', 'issuer does not exist');
  }
  if (!issuer.usage.includes('issuing-certificates') || issuer.keyId === '') {
    throw directoryProblem('serverInternal', 'issuer missing proper issuance usage or key');
  }
  if (allowsAny(config.allowed_issuers)) return issuer;
  const index = await readIndex(store);
  const allowed = config.allowed_issuers.map((each) => findIssuerId(index, canonicalRef(each)));
  if (allowed.includes(issuer.id)) return issuer;
  throw directoryProblem('serverInternal', 'specified issuer not allowed by ACME policy');
}

/** Certificates are for servers, unless the settings leave that to roles. */
function withUsages(role: Role, config: AcmeConfig): Role {
  if (config.allow_role_ext_key_usage) return role;
  return {
    ...role,
    ext_key_usage: ['serverauth'],
    ext_key_usage_oids: [],
    server_flag: true,
    client_flag: false,
    code_signing_flag: false,
    email_protection_flag: false,
  };
}

/** Where in the mount a request’s directory lies: all up to and with `acme/`. */
export function directoryPath(path: string): string {
  const at = `/${path}`.lastIndexOf('/acme/');
  return path.slice(0, Math.max(0, at + '/acme/'.length - 1));
}

/** @throws {AcmeDisabled} @throws {AcmeProblem} */
export async function directoryOf(
  request: Request<AcmeValues>,
  store: Transaction,
): Promise<Directory> {
  const config = await acmeConfig(store);
  if (!config.enabled) throw new AcmeDisabled();
  const { path: clusterPath } = await clusterRecord(store);
  if (clusterPath === '') throw new AcmeProblem('serverInternal', 'the mount has no address');
  const clusterUrl = clusterPath.replace(/\/+$/, '');
  const path = directoryPath(request.path);
  const { role: roleName, issuer_ref: asked } = request.fields;
  const role = await roleOf(store, config, roleName);
  const issuer = await issuerOf(store, config, asked ?? role.issuer_ref);
  return {
    config,
    clusterUrl,
    path,
    baseUrl: `${clusterUrl}/${path}`,
    role: withUsages(role, config),
    issuer,
  };
}

export interface Signed {
  readonly key: AccountKey;
  /** Who signed with the key of an account; undefined when the key itself came along. */
  readonly account: AccountRecord | undefined;
  /** Undefined for an empty payload: the request only reads (RFC 8555 §6.3). */
  readonly payload: JsonObject | undefined;
  /** `protected` as it came. */
  readonly header: JsonObject;
}

export interface JwsValues extends AcmeValues {
  readonly protected?: string | undefined;
  readonly payload?: string | undefined;
  readonly signature?: string | undefined;
}

const SIGNATURES = new Set(JWS_ALGORITHMS);

function needed(values: JwsValues, name: 'protected' | 'payload' | 'signature'): string {
  const value = values[name];
  if (value !== undefined) return value;
  throw new AcmeProblem('malformed', `missing required field '${name}'`);
}

/** Who asks, and for what. @throws {AcmeProblem} */
export async function signedBy(
  ports: PkiPorts,
  request: Request<JwsValues>,
  store: Transaction,
  directory: Directory,
): Promise<Signed> {
  const { fields, nowMs, path } = request;
  const bytes = decodeBase64Url(needed(fields, 'protected'));
  if (bytes === undefined) throw new AcmeProblem('malformed', "failed to base64 parse 'protected'");
  const header = claimsOf({ payload: bytes });
  if (header === undefined) {
    throw new AcmeProblem('malformed', "failed to json unmarshal 'protected'");
  }
  const { alg, kid, jwk, nonce, url } = header;
  if ((kid === undefined) === (jwk === undefined)) {
    throw new AcmeProblem('malformed', "invalid header: expected one of 'kid' and 'jwk'");
  }
  if (typeof alg !== 'string' || !SIGNATURES.has(alg)) {
    throw new AcmeProblem('badSignatureAlgorithm', "invalid header: unexpected value for 'alg'");
  }
  const account = kid === undefined ? undefined : await accountOf(store, directory, kid);
  const key = readJwk(account?.jwk ?? jwk);
  if (key === undefined) throw new AcmeProblem('badPublicKey', 'received invalid jwk');
  const isFresh =
    typeof nonce === 'string' && (await redeemNonce(store, ports.random, nonce, nowMs));
  if (!isFresh) throw new AcmeProblem('badNonce', 'invalid or reused nonce');
  if (url !== `${directory.clusterUrl}/${path}`) {
    throw new AcmeProblem('unauthorized', "invalid value for 'url' in 'protected'");
  }
  const payload = needed(fields, 'payload');
  const token = `${needed(fields, 'protected')}.${payload}.${needed(fields, 'signature')}`;
  const jws = parseJws(token);
  if (jws === undefined || !(await verifyJws(jws, key.key))) {
    throw new AcmeProblem('malformed', 'failed to verify signature');
  }
  return { key, account, header, payload: payloadOf(jws.payload) };
}

function payloadOf(bytes: Buffer): JsonObject | undefined {
  if (bytes.length === 0) return undefined;
  const payload = claimsOf({ payload: bytes });
  if (isJsonObject(payload)) return payload;
  throw new AcmeProblem('malformed', "failed to json unmarshal 'payload'");
}

async function accountOf(
  store: Transaction,
  directory: Directory,
  kid: unknown,
): Promise<AccountRecord> {
  const prefix = `${directory.baseUrl}account/`;
  if (typeof kid !== 'string' || !kid.startsWith(prefix)) {
    throw new AcmeProblem('malformed', "invalid header: 'kid' is no account of this directory");
  }
  const account = await findAccount(store, kid.slice(prefix.length));
  if (account === undefined) throw new AcmeProblem('accountDoesNotExist', 'account not found');
  if (account.directory === directory.path) return account;
  throw new AcmeProblem('malformed', 'account part of different ACME directory path');
}

/** @throws {AcmeProblem} the request was not signed by an account that may act */
export function actingAccount(signed: Signed, directory: Directory): AccountRecord {
  const { account } = signed;
  if (account === undefined) {
    throw new AcmeProblem('malformed', "cannot process request without a 'kid'");
  }
  assertBound(account, directory);
  if (account.status === 'valid') return account;
  throw new AcmeProblem('unauthorized', `account in status: ${account.status}`);
}

export function assertBound(account: AccountRecord, { config }: Directory): void {
  if (config.eab_policy === 'always-required' && account.eab === undefined) {
    throw new AcmeProblem('externalAccountRequired');
  }
}
