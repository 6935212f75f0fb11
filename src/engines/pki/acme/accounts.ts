/** Accounts: made, found, changed, closed (RFC 8555 §7.3). */
import { uuid } from '../../../base/random.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { claimsOf } from '../../../crypto/jws.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { actingAccount, assertBound } from './context.ts';
import type { Directory, Signed } from './context.ts';
import { isMacAlgorithm, isMacOf, readJwk } from './jwk.ts';
import { AcmeProblem } from './problem.ts';
import { EABS, findAccount, isId, putAccount, thumbprintKey } from './records.ts';
import type { AccountRecord, EabRecord } from './records.ts';
import { shownAccount } from './shown.ts';
import type { Shown } from './shown.ts';

const CREATED = 201;
const CONTACTS_MAX = 10;
const CONTACT_LENGTH_MAX = 256;

function contactsOf(given: JsonValue | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const isFine =
    Array.isArray(given) &&
    given.length <= CONTACTS_MAX &&
    given.every((each) => typeof each === 'string' && each.length <= CONTACT_LENGTH_MAX);
  if (!isFine) throw new AcmeProblem('invalidContact', "invalid type for field 'contact'");
  return given as readonly string[];
}

async function accountByKey(
  store: Transaction,
  thumbprint: string,
): Promise<AccountRecord | undefined> {
  const id = await store.getJson<string>(thumbprintKey(thumbprint));
  return id === undefined ? undefined : await findAccount(store, id);
}

/** The external account that a new one is bound to (RFC 8555 §7.3.4). @throws {AcmeProblem} */
async function boundTo(
  store: Transaction,
  directory: Directory,
  signed: Signed,
  url: JsonValue | undefined,
  binding: JsonObject,
): Promise<EabRecord> {
  const { protected: head, payload, signature } = binding;
  if (typeof head !== 'string' || typeof payload !== 'string' || typeof signature !== 'string') {
    throw new AcmeProblem('malformed', 'externalAccountBinding field was unparseable');
  }
  const header = claimsOf({ payload: Buffer.from(head, 'base64url') });
  const { alg, kid, nonce, url: boundUrl } = header ?? {};
  if (typeof alg !== 'string' || typeof kid !== 'string' || !isMacAlgorithm(alg)) {
    throw new AcmeProblem('malformed', "failed to json unmarshal eab 'protected'");
  }
  if (nonce !== undefined) {
    throw new AcmeProblem('malformed', "nonce should not be provided in eab 'protected'");
  }
  if (boundUrl !== url) {
    throw new AcmeProblem('unauthorized', "invalid value for 'url' in eab 'protected'");
  }
  const eab = isId(kid) ? await store.getJson<EabRecord>(EABS + kid) : undefined;
  const key = Buffer.from(eab?.key ?? '', 'base64');
  const isMac = isMacOf(alg, key, `${head}.${payload}`, Buffer.from(signature, 'base64url'));
  if (eab === undefined || !isMac || eab.directory !== directory.path) {
    throw new AcmeProblem('unauthorized', 'failed to verify eab');
  }
  const bound = readJwk(claimsOf({ payload: Buffer.from(payload, 'base64url') }));
  if (bound?.thumbprint !== signed.key.thumbprint) {
    throw new AcmeProblem('malformed', 'eab payload does not match outer JWK key');
  }
  return eab;
}

/** @throws {AcmeProblem} */
export async function newAccount(
  ports: PkiPorts,
  store: Transaction,
  directory: Directory,
  signed: Signed,
  nowMs: number,
): Promise<Shown> {
  if (signed.account !== undefined) {
    throw new AcmeProblem('malformed', "cannot submit to newAccount with 'kid'");
  }
  const { key, header } = signed;
  const payload = signed.payload ?? {};
  const existing = await accountByKey(store, key.thumbprint);
  if (existing !== undefined) {
    if (existing.directory !== directory.path) {
      throw new AcmeProblem('malformed', 'account part of different ACME directory path');
    }
    assertBound(existing, directory);
    return shownAccount(directory, existing);
  }
  if (payload['onlyReturnExisting'] === true) {
    throw new AcmeProblem('accountDoesNotExist', 'an account with this key does not exist');
  }
  const contact = contactsOf(payload['contact']) ?? [];
  const { externalAccountBinding: binding } = payload;
  const eab = isJsonObject(binding)
    ? await boundTo(store, directory, signed, header['url'], binding)
    : undefined;
  if (eab === undefined && directory.config.eab_policy !== 'not-required') {
    throw new AcmeProblem('externalAccountRequired');
  }
  // A key binds one account.
  if (eab !== undefined) store.delete(EABS + eab.id);
  const account: AccountRecord = {
    id: uuid(ports.random),
    status: 'valid',
    contact,
    termsAgreed: payload['termsOfServiceAgreed'] === true,
    jwk: key.jwk,
    directory: directory.path,
    createdMs: nowMs,
    ...(eab === undefined ? {} : { eab: eab.id }),
  };
  putAccount(store, account);
  store.putJson(thumbprintKey(key.thumbprint), account.id);
  const shown = shownAccount(directory, account, CREATED);
  return eab === undefined
    ? shown
    : { ...shown, body: { ...shown.body, externalAccountBinding: binding } };
}

/** @throws {AcmeProblem} */
export function changeAccount(
  store: Transaction,
  directory: Directory,
  signed: Signed,
  id: string,
  nowMs: number,
): Shown {
  const account = actingAccount(signed, directory);
  if (account.id !== id) throw new AcmeProblem('unauthorized', 'not the account that signed');
  const payload = signed.payload ?? {};
  if (payload['externalAccountBinding'] !== undefined) {
    throw new AcmeProblem('malformed', 'not allowed to update EAB data in accounts');
  }
  const contact = contactsOf(payload['contact']) ?? account.contact;
  const ends = payload['status'] === 'deactivated';
  const changed: AccountRecord = {
    ...account,
    contact,
    ...(ends ? { status: 'deactivated', endedMs: nowMs } : {}),
  };
  if (signed.payload !== undefined) putAccount(store, changed);
  return shownAccount(directory, changed);
}

/** A new key for an account (RFC 8555 §7.3.5). @throws {AcmeProblem} */
export async function changeKey(
  store: Transaction,
  directory: Directory,
  signed: Signed,
  inner: Signed,
): Promise<Shown> {
  const account = actingAccount(signed, directory);
  const { account: named, oldKey } = (inner.payload ?? {}) as {
    readonly account?: JsonValue;
    readonly oldKey?: JsonValue;
  };
  const isOurs = named === `${directory.baseUrl}account/${account.id}`;
  if (!isOurs || readJwk(oldKey)?.thumbprint !== signed.key.thumbprint) {
    throw new AcmeProblem('malformed', 'the inner message is not about this account');
  }
  if (inner.header['url'] !== signed.header['url']) {
    throw new AcmeProblem('malformed', 'inner and outer url differ');
  }
  if ((await store.getJson<string>(thumbprintKey(inner.key.thumbprint))) !== undefined) {
    throw new AcmeProblem('malformed', 'the key is that of another account');
  }
  const changed = { ...account, jwk: inner.key.jwk };
  putAccount(store, changed);
  store.delete(thumbprintKey(signed.key.thumbprint));
  store.putJson(thumbprintKey(inner.key.thumbprint), account.id);
  return shownAccount(directory, changed);
}
