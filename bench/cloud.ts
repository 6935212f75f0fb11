/** Requests of the clouds' own clients for one stored secret, as they go over the wire; only Strongroom answers them. */

/** Host that is bound as an Azure vault, and the Google project; both lead to `secret/`. */
export const VAULT_HOST = 'vault.bench.test';
export const PROJECT = 'bench';
/** Secrets that these APIs can name: none in a folder. */
export const FLAT_SECRETS = 100;

export function flatSecret(index: number): string {
  return `flat-${index % FLAT_SECRETS}`;
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
