/**
 * The floor of the runtime: a bare node:http server that answers every request with the same small JSON. Where a certificate is
 * asked for it makes a key, writes it and signs some bytes, where something is to be encrypted or signed it does just that and hashes
 * what an audit log has to show of it, as neither can be had for less.
 */
import {
  createCipheriv,
  createSecretKey,
  generateKeyPair,
  generateKeyPairSync,
  hash,
  sign,
} from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';

const BODY = JSON.stringify({
  request_id: '0f7a4a3e-6f0d-4f62-9a2b-3d1f6f3f1c11',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  data: { data: { username: 'bench', password: 'x'.repeat(32) }, metadata: { version: 1 } },
});

const makePair = promisify(generateKeyPair);
const RSA = { modulusLength: 2048 };
const EC = { namedCurve: 'prime256v1' };
const EC_ISSUER = generateKeyPairSync('ec', EC).privateKey;
const RSA_ISSUER = generateKeyPairSync('rsa', RSA).privateKey;
/** About what is signed of a certificate. */
const TO_BE_SIGNED = Buffer.alloc(400);

const PLAINTEXT = Buffer.alloc(100, 1);
const PLAINTEXT_TEXT = PLAINTEXT.toString('base64');
const NONCE = Buffer.alloc(12);
const KEY = createSecretKey(Buffer.alloc(32, 1));
/** A longer body is a batch. */
const SINGLE_BODY_BYTES_MAX = 1000;
const BATCH_ITEMS = 100;

/** Stands for an HMAC: a hash over the value, and one over the result. */
function hashed(value: string): void {
  hash('sha256', hash('sha256', value));
}

function encrypt(): void {
  const cipher = createCipheriv('aes-256-gcm', KEY, NONCE);
  const text = cipher.update(PLAINTEXT);
  cipher.final();
  hashed(PLAINTEXT_TEXT);
  hashed(Buffer.concat([NONCE, text, cipher.getAuthTag()]).toString('base64'));
}

async function make(url: string, bodyBytes: number): Promise<void> {
  if (url.startsWith('/v1/transit/encrypt/')) {
    const items = bodyBytes > SINGLE_BODY_BYTES_MAX ? BATCH_ITEMS : 1;
    for (let count = 0; count < items; count++) encrypt();
  } else if (url.startsWith('/v1/transit/sign/')) {
    hashed(PLAINTEXT_TEXT);
    hashed(sign('sha256', PLAINTEXT, EC_ISSUER).toString('base64'));
  } else if (url.startsWith('/v1/pki-ec/')) {
    const key = generateKeyPairSync('ec', EC).privateKey;
    key.export({ format: 'der', type: 'sec1' });
    sign('sha256', TO_BE_SIGNED, EC_ISSUER);
  } else if (url.startsWith('/v1/pki-rsa/')) {
    const key = (await makePair('rsa', RSA)).privateKey;
    key.export({ format: 'der', type: 'pkcs1' });
    sign('sha256', TO_BE_SIGNED, RSA_ISSUER);
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', headers } = request;
  if (/^\/v1\/(?:pki-|transit\/)/.test(url)) await make(url, Number(headers['content-length']));
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(BODY),
  });
  response.end(BODY);
}

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    void answer(request, response);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
