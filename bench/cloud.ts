/** Requests of the clouds' own clients for one stored secret, as they go over the wire; Strongroom and emulators answer them. */
import { createHash, createHmac, randomUUID } from 'node:crypto';

/** Host that is bound as an Azure vault, and the Google project; both lead to `secret/`. */
export const VAULT_HOST = 'vault.bench.test';
export const PROJECT = 'bench';
/** Secrets that these APIs can name: none in a folder. */
export const FLAT_SECRETS = 100;

export function flatSecret(index: number): string {
  return `flat-${index % FLAT_SECRETS}`;
}

export const ACCOUNT = '111122223333';
const REGION = 'eu-central-1';

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

/** Requests that were signed within this time are sent again: the generator is not what is measured. */
const SIGNED_FOR_MS = 60_000;
const signed = new Map<string, { readonly atMs: number; readonly request: Buffer }>();

/** GetSecretValue, signed as boto3 does. */
export function awsGet(name: string, key: AccessKey): Buffer {
  const nowMs = performance.timeOrigin + performance.now();
  const known = signed.get(name);
  if (known !== undefined && nowMs - known.atMs < SIGNED_FOR_MS) return known.request;
  const request = awsCall('GetSecretValue', { SecretId: name }, key, nowMs);
  signed.set(name, { atMs: nowMs, request });
  return request;
}

/** CreateSecret, for emulators. */
export function awsCreate(name: string, value: string, key: AccessKey): Buffer {
  const input = { Name: name, SecretString: value, ClientRequestToken: randomUUID() };
  return awsCall('CreateSecret', input, key, performance.timeOrigin + performance.now());
}

function awsCall(operation: string, input: object, key: AccessKey, nowMs: number): Buffer {
  const body = JSON.stringify(input);
  const date = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const target = `secretsmanager.${operation}`;
  const type = 'application/x-amz-json-1.1';
  const names = 'content-type;host;x-amz-date;x-amz-target';
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const headers = `content-type:${type}\nhost:bench\nx-amz-date:${date}\nx-amz-target:${target}\n`;
  const canonical = `POST\n/\n\n${headers}\n${names}\n${hash(body)}`;
  const scope = [date.slice(0, 8), REGION, 'secretsmanager', 'aws4_request'];
  let signing = Buffer.from(`AWS4${key.secret}`);
  for (const part of scope) signing = createHmac('sha256', signing).update(part).digest();
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope.join('/')}\n${hash(canonical)}`;
  const signature = createHmac('sha256', signing).update(text).digest('hex');
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: bench\r\nX-Amz-Target: ${target}\r\nContent-Type: ${type}\r\nX-Amz-Date: ${date}\r\n` +
      `Authorization: AWS4-HMAC-SHA256 Credential=${key.id}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** SetSecret, for emulators. */
export function azureSet(name: string, value: string, token: string): Buffer {
  return jsonRequest('PUT', `/secrets/${name}?api-version=7.4`, VAULT_HOST, token, { value });
}

/** CreateSecret and AddSecretVersion, for emulators. */
export function googleCreate(name: string, value: string, token: string): readonly Buffer[] {
  const secrets = `/v1/projects/${PROJECT}/secrets`;
  const secret = { replication: { automatic: {} } };
  const version = { payload: { data: Buffer.from(value).toString('base64') } };
  return [
    jsonRequest('POST', `${secrets}?secretId=${name}`, 'bench', token, secret),
    jsonRequest('POST', `${secrets}/${name}:addVersion`, 'bench', token, version),
  ];
}

function jsonRequest(
  method: string,
  target: string,
  host: string,
  token: string,
  body: object,
): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

export function azureGet(name: string, token: string): Buffer {
  return Buffer.from(
    `GET /secrets/${name}/?api-version=7.4 HTTP/1.1\r\nHost: ${VAULT_HOST}\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\n\r\n`,
  );
}

const versionOf = (name: string): string => `projects/${PROJECT}/secrets/${name}/versions/latest`;

export function googleAccess(name: string, token: string): Buffer {
  return Buffer.from(
    `GET /v1/${versionOf(name)}:access?%24alt=json%3Benum-encoding%3Dint HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
}

export const GRPC_PATH = '/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion';
const FRAME_HEADER_BYTES = 5;
/** Field 1, length-delimited. */
const NAME_TAG = 0x0a;

/** The framed request message of AccessSecretVersion. */
export function grpcAccess(name: string): Buffer {
  const text = Buffer.from(versionOf(name));
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + 2);
  frame.writeUInt32BE(text.length + 2, 1);
  frame[FRAME_HEADER_BYTES] = NAME_TAG;
  frame[FRAME_HEADER_BYTES + 1] = text.length;
  return Buffer.concat([frame, text]);
}
