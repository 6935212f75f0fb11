/** Checks challenges that clients are ready for: by the calendar, several times when need be. */
import type { TaskContext, TaskOutcome, TaskType } from '../../../../model/outside.ts';
import type { Transaction } from '../../../../model/transaction.ts';
import type { PkiPorts } from '../../ports.ts';
import { acmeConfig } from '../config.ts';
import type { AcmeConfig } from '../config.ts';
import { checkDns } from './dns.ts';
import { checkHttp } from './http.ts';
import { readJwk } from '../jwk.ts';
import { AcmeProblem, problemDocument } from '../problem.ts';
import { findAccount, findAuthorization, putAuthorization } from '../records.ts';
import type { AuthorizationRecord, Challenge } from '../records.ts';
import { checkTls } from './tls.ts';

const ATTEMPTS_MAX = 5;
/** Pause after the first failure; the next ones are that much longer each. */
const RETRY_MS = 2_000;
/** How long a proof holds. */
const PROOF_MS = 15 * 24 * 3_600_000;

async function check(
  { identifier }: AuthorizationRecord,
  { type, token }: Challenge,
  thumbprint: string,
  config: AcmeConfig,
): Promise<void> {
  const keyAuthorization = `${token}.${thumbprint}`;
  if (type === 'http-01') await checkHttp(identifier.value, token, keyAuthorization, config);
  else if (type === 'dns-01') await checkDns(identifier.value, keyAuthorization, config);
  else await checkTls(identifier.value, keyAuthorization, config);
}

function withChallenge(record: AuthorizationRecord, changed: Challenge): readonly Challenge[] {
  return record.challenges.map((each) => (each.type === changed.type ? changed : each));
}

function failed(
  store: Transaction,
  record: AuthorizationRecord,
  challenge: Challenge,
  problem: AcmeProblem,
  nowMs: number,
): TaskOutcome {
  const attempts = record.attempts + 1;
  const error = problemDocument(problem);
  if (attempts < ATTEMPTS_MAX) {
    const challenges = withChallenge(record, { ...challenge, error });
    putAuthorization(store, { ...record, challenges, attempts });
    return nowMs + RETRY_MS * attempts;
  }
  const challenges = withChallenge(record, { ...challenge, error, status: 'invalid' });
  putAuthorization(store, { ...record, challenges, attempts, status: 'invalid' });
  return 'done';
}

export function validationTask(ports: PkiPorts): TaskType {
  return {
    async run({ name, nowMs }: TaskContext, store): Promise<TaskOutcome> {
      const [accountId = '', id = ''] = name.split('/');
      const record = await findAuthorization(store, accountId, id);
      const account = await findAccount(store, accountId);
      const key = readJwk(account?.jwk);
      const challenge = record?.challenges.find((each) => each.status === 'processing');
      if (record?.status !== 'pending' || challenge === undefined || key === undefined) {
        return 'done';
      }
      try {
        await check(record, challenge, key.thumbprint, await acmeConfig(store));
      } catch (error) {
        if (!(error instanceof AcmeProblem)) throw error;
        ports.log.debug('an ACME challenge failed', {
          authorization: id,
          type: challenge.type,
          error: error.message,
        });
        return failed(store, record, challenge, error, nowMs);
      }
      const { error: _error, ...rest } = challenge;
      putAuthorization(store, {
        ...record,
        status: 'valid',
        expiresMs: nowMs + PROOF_MS,
        challenges: withChallenge(record, { ...rest, status: 'valid', validatedMs: nowMs }),
      });
      return 'done';
    },
  };
}
