/**
 * The floor of the runtime: a bare node:http server that answers every request with the same small JSON. Where a certificate is
 * asked for it makes a key, writes it and signs some bytes, as that cannot be had for less.
 */
import { generateKeyPair, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
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

async function make(url: string): Promise<void> {
  if (url.startsWith('/v1/pki-ec/')) {
    const key = generateKeyPairSync('ec', EC).privateKey;
    key.export({ format: 'der', type: 'sec1' });
    sign('sha256', TO_BE_SIGNED, EC_ISSUER);
  } else if (url.startsWith('/v1/pki-rsa/')) {
    const key = (await makePair('rsa', RSA)).privateKey;
    key.export({ format: 'der', type: 'pkcs1' });
    sign('sha256', TO_BE_SIGNED, RSA_ISSUER);
  }
}

async function answer(url: string, response: ServerResponse): Promise<void> {
  if (url.startsWith('/v1/pki-')) await make(url);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(BODY),
  });
  response.end(BODY);
}

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    void answer(request.url ?? '', response);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
