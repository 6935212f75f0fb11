/** Makes credentials: the one moment at which their secret is known to anybody but their holder. */
import { createPublicKey } from 'node:crypto';
import { makeRsaKey } from '../../crypto/rsa/keys.ts';
import { isAccountId, newAccessKeyId } from '../../model/access-key-id.ts';
import { base62 } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { CredentialKind } from '../../model/evidence.ts';
import type { EntityRecord } from '../records.ts';
import { hashClientSecret } from './judge.ts';
import type { CredentialRecord } from './record.ts';

const SECRET_ACCESS_KEY_BYTES = 30;
const ID_LENGTH = 20;
const CLIENT_SECRET_LENGTH = 40;
const KEY_ID_BYTES = 20;
const RSA_BITS = 2048;
const PROJECT = /^[a-z0-9][a-z0-9.:-]{0,62}$/;
const PLAIN_NAME = /^[A-Za-z0-9._-]{1,64}$/;

export interface Wish {
  readonly entity: EntityRecord;
  /** AWS account or Google project. */
  readonly boundTo: string;
  /** Google: where the key file says that tokens are fetched. */
  readonly tokenUri: string;
}

export interface Issued {
  readonly id: string;
  /** What is kept to check it by. */
  readonly stored: Buffer | undefined;
  readonly record: Pick<CredentialRecord, 'account' | 'publicKey'>;
  /** What its holder gets, once. */
  readonly shown: Readonly<Record<string, string>>;
}

function accessKey(random: Random, { boundTo }: Wish): Issued {
  if (!isAccountId(boundTo)) throw invalidRequest('bound_to must be an AWS account of 12 digits');
  const id = newAccessKeyId(random, 'AKIA', boundTo);
  const secret = random.bytes(SECRET_ACCESS_KEY_BYTES).toString('base64');
  return {
    id,
    stored: Buffer.from(secret),
    record: {},
    shown: { access_key_id: id, secret_access_key: secret },
  };
}

function clientSecret(random: Random, { entity }: Wish): Issued {
  const id = base62(random, ID_LENGTH);
  const secret = `${id}~${base62(random, CLIENT_SECRET_LENGTH)}`;
  return {
    id,
    stored: hashClientSecret(secret),
    record: {},
    shown: { client_id: entity.id, client_secret: secret },
  };
}

async function serviceAccountKey(random: Random, wish: Wish): Promise<Issued> {
  const { entity, boundTo, tokenUri } = wish;
  if (!PROJECT.test(boundTo)) throw invalidRequest('bound_to must be the id of a Google project');
  const id = random.bytes(KEY_ID_BYTES).toString('hex');
  const key = await makeRsaKey(RSA_BITS);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  const name = PLAIN_NAME.test(entity.name) ? entity.name : entity.id;
  const account = `${name}@${boundTo.replaceAll(':', '.')}.iam.strongroom`;
  return {
    id,
    stored: undefined,
    record: { account, publicKey },
    shown: {
      type: 'service_account',
      project_id: boundTo,
      private_key_id: id,
      private_key: key.export({ type: 'pkcs8', format: 'pem' }),
      client_email: account,
      client_id: entity.id,
      token_uri: tokenUri,
    },
  };
}

/** How each kind is made. */
export const ISSUERS: ReadonlyMap<
  string,
  {
    readonly kind: CredentialKind;
    readonly issue: (random: Random, wish: Wish) => Issued | Promise<Issued>;
  }
> = new Map([
  ['access-key', { kind: 'access-key', issue: accessKey }],
  ['client-secret', { kind: 'client-secret', issue: clientSecret }],
  ['service-account-key', { kind: 'service-account-key', issue: serviceAccountKey }],
]);
