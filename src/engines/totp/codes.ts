/** `code`: makes the present code, and checks one, which counts once. */
import { decodeBase32 } from '../../base/base32.ts';
import { matchingSteps, oldestStep, totpCode, totpStep } from '../../crypto/totp.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { shapeOf, totpKey, usedCodes } from './keys.ts';
import type { TotpKey } from './keys.ts';
import type { Reply } from '../../model/reply.ts';

interface Used {
  /** Time steps whose codes were taken; older ones than could be taken again are forgotten. */
  readonly steps: readonly number[];
}

async function keyOf(store: Reader, name: string): Promise<TotpKey> {
  const key = await totpKey(store, name);
  if (key === undefined) throw invalidRequest(`unknown key: ${name}`);
  return key;
}

function secretOf(key: TotpKey): Buffer {
  const secret = decodeBase32(key.secret);
  if (secret === undefined) throw new Error('a stored key is not base32');
  return secret;
}

async function make(
  { fields, nowMs }: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<Reply> {
  const key = await keyOf(store, fields.name);
  const step = totpStep(nowMs, key.periodSeconds);
  return { data: { code: totpCode(secretOf(key), step, shapeOf(key)) } };
}

async function validate(
  { fields, nowMs }: Request<{ readonly name: string; readonly code: string }>,
  store: Transaction,
): Promise<Reply> {
  const { name, code } = fields;
  const key = await keyOf(store, name);
  if (code === '') throw invalidRequest('the code value is required');
  // ASCII digits and nothing else: one code has one spelling (CVE-2025-6014).
  if (code.length !== key.digits || !/^[0-9]+$/.test(code)) {
    throw invalidRequest('invalid number of digits for the code');
  }
  const window = { shape: shapeOf(key), skew: key.skew, nowMs };
  const steps = matchingSteps(secretOf(key), code, window);
  if (steps.length === 0) return { data: { valid: false } };
  const used = (await store.getRecord<Used>(usedCodes(name)))?.steps ?? [];
  if (steps.some((step) => used.includes(step))) {
    throw invalidRequest('code already used; wait until the next time period');
  }
  // Stored with a check on what was read: of two requests with one code, one finds it used, on every replica and after a restart.
  const oldest = oldestStep(window);
  store.putJson(usedCodes(name), {
    steps: [...used.filter((step) => step >= oldest), ...steps],
  });
  return { data: { valid: true } };
}

export function codePaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'code/{name:any}',
      fields: {
        name: { kind: 'string', description: 'Name of the key.', default: '' },
        code: {
          kind: 'string',
          description: 'The code to check: as many digits as the key says.',
          default: '',
        },
      },
      help: {
        synopsis: 'Makes a code, or checks one.',
        description: 'A code that was taken is not taken again.',
      },
      operations: {
        read: { summary: 'Make the present code', handler: make },
        update: { summary: 'Check a code', handler: validate },
      },
    }),
  ];
}
