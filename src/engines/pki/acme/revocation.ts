/** `revoke-cert` (RFC 8555 §7.6): by the account that got the certificate, or by whoever holds its key. */
import { DerError } from '../../../crypto/der.ts';
import { readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { CERTIFICATES, serialKeyOf } from '../making/stored-certificates.ts';
import type { PkiPorts } from '../ports.ts';
import { revokeCertificate } from '../revocation/revoke.ts';
import { findRevoked } from '../revocation/revoked.ts';
import { actingAccount } from './context.ts';
import type { Directory, Signed } from './context.ts';
import { AcmeProblem } from './problem.ts';
import { certificateKey } from './records.ts';

function parsed({ payload }: Signed): Certificate {
  const text = payload?.['certificate'];
  if (typeof text !== 'string') {
    throw new AcmeProblem('malformed', "bad request was lacking required field 'certificate'");
  }
  try {
    return readCertificate(Buffer.from(text, 'base64url'));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new AcmeProblem('malformed', 'failed to parse certificate');
  }
}

/** @throws {AcmeProblem} */
export async function revokeForAccount(
  ports: PkiPorts,
  store: Transaction,
  directory: Directory,
  signed: Signed,
  nowMs: number,
): Promise<void> {
  const certificate = parsed(signed);
  const reason = signed.payload?.['reason'];
  if (reason !== undefined && Number(reason) !== 0) {
    throw new AcmeProblem('badRevocationReason', 'revocation reasons are not supported');
  }
  if (certificate.notAfterMs < nowMs) {
    throw new AcmeProblem('malformed', 'refusing to revoke expired certificate');
  }
  const serial = serialKeyOf(certificate);
  const stored = await store.get(CERTIFICATES + serial);
  if (stored?.equals(certificate.der) !== true) {
    throw new AcmeProblem('malformed', 'unable to revoke certificate: not a certificate of here');
  }
  if ((await findRevoked(store, serial)) !== undefined) {
    throw new AcmeProblem('alreadyRevoked', 'unable to revoke certificate');
  }
  if (signed.account === undefined) {
    const key = signed.key.key.export({ format: 'der', type: 'spki' });
    if (!key.equals(certificate.publicKeyInfo)) {
      throw new AcmeProblem('unauthorized', 'the key is not that of the certificate');
    }
  } else {
    const account = actingAccount(signed, directory);
    const owner = await store.getJson<{ readonly accountId: string }>(certificateKey(serial));
    if (owner?.accountId !== account.id) {
      throw new AcmeProblem('unauthorized', 'not a certificate of this account');
    }
  }
  await revokeCertificate(ports, store, certificate, nowMs);
}
