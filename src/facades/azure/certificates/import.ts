/** Certificates from elsewhere: PFX files in base64, and PEM texts. */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeBase64 } from '../../../base/base64.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { DerError } from '../../../crypto/der.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { PfxPasswordError, readPfx } from '../../../crypto/pkcs12/pfx.ts';
import { keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import type { CertificateMaterial } from '../../../model/tasks/certificate-task.ts';
import { RequestError } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { readProperties } from '../objects/attributes.ts';
import { AzureError, badParameter, jsonReply } from '../wire/errors.ts';
import { certificateBundle, chosenVersion, notesOf, POLICY } from './bundle.ts';
import { describedPolicy } from './described.ts';
import { assertTakeable } from './make.ts';
import { PEM, PFX, readPolicy, SELF, UNKNOWN } from './policy.ts';

const VALUE_LENGTH_MAX = 200_000;
const CERTIFICATES_MAX = 50;

function unreadable(): AzureError {
  return badParameter(
    'The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format.',
  );
}

function keyFrom(input: Parameters<typeof createPrivateKey>[0]): KeyObject {
  try {
    return createPrivateKey(input);
  } catch {
    throw badParameter('The private key cannot be read.');
  }
}

function fromPem(text: string, password: string): CertificateMaterial {
  const certificates: Buffer[] = [];
  let privateKey: KeyObject | undefined;
  for (let next = nextPem(text); next !== undefined; next = nextPem(text, next.end)) {
    const { label, bytes, text: pem } = next.block;
    if (label === 'CERTIFICATE') certificates.push(bytes);
    else if (label.endsWith('PRIVATE KEY')) {
      if (privateKey !== undefined) throw badParameter('The value holds several private keys.');
      privateKey = keyFrom({ key: pem, passphrase: password });
    }
    if (certificates.length > CERTIFICATES_MAX) throw badParameter('Too many certificates.');
  }
  return { certificates, privateKey };
}

function fromPfx(value: string, password: string): CertificateMaterial {
  const bytes = decodeBase64(value.replace(/\s+/g, ''));
  if (bytes === undefined) throw unreadable();
  try {
    const { certificates, privateKey } = readPfx(bytes, password);
    return {
      certificates,
      privateKey:
        privateKey === undefined
          ? undefined
          : keyFrom({ key: privateKey, format: 'der', type: 'pkcs8' }),
    };
  } catch (error) {
    if (error instanceof PfxPasswordError) {
      throw badParameter('The specified PKCS#12 X.509 certificate password is not correct.');
    }
    if (error instanceof DerError) throw unreadable();
    throw error;
  }
}

const PEM_BEGINS = '-----BEGIN ';

/** PEM as it is, or in base64 as some clients send it; undefined for anything else. */
function pemText(value: string): string | undefined {
  if (value.includes(PEM_BEGINS)) return value;
  const text = decodeBase64(value)?.toString('latin1');
  return text?.includes(PEM_BEGINS) === true ? text : undefined;
}

/** @throws {AzureError} */
function readMaterial(body: JsonObject): CertificateMaterial & { readonly contentType: string } {
  const { value, pwd } = body;
  if (typeof value !== 'string' || value === '')
    throw badParameter('The property value is missing.');
  if (value.length > VALUE_LENGTH_MAX) throw badParameter('The property value is too long.');
  const password = pwd ?? '';
  if (typeof password !== 'string') throw badParameter('The property pwd is not a text.');
  const pem = pemText(value);
  const isPem = pem !== undefined;
  const material = isPem ? fromPem(pem, password) : fromPfx(value, password);
  if (material.certificates.length === 0) throw badParameter('The value holds no certificate.');
  const { privateKey } = material;
  if (privateKey === undefined) throw badParameter('The value holds no private key.');
  const type = keyTypeOf(privateKey);
  if (type !== 'rsa' && type !== 'ec') throw badParameter('Keys of this type are not supported.');
  return { ...material, contentType: isPem ? PEM : PFX };
}

export async function importCertificate(asking: Asking): Promise<WireReply> {
  const { operation, base, readJson, ask } = asking;
  const { name } = operation;
  const answer = await ask({
    operation: 'write',
    part: 'certificates',
    path: `stored/${name}`,
    body: readJson,
    task: {
      async certificate(desk) {
        const body = await readJson();
        assertTakeable(desk, name);
        const { contentType, ...material } = readMaterial(body);
        const kept = await imported(() => desk.import(material, notesOf(readProperties(body))));
        const { id } = chosenVersion(kept, name, '');
        const [der = Buffer.alloc(0)] = (await desk.material(id)).certificates;
        const described = describedPolicy(der, contentType);
        const sent = body['policy'];
        const policy = isJsonObject(sent) ? readPolicy(sent, described) : undefined;
        if (policy !== undefined && policy.issuer !== SELF && policy.issuer !== UNKNOWN) {
          throw badParameter('An issuer is set by an update of the policy, after the import.');
        }
        const certificate = await desk.change({
          attributes: { [POLICY]: policy?.shown ?? described },
          ...(policy?.issuer === SELF ? { plan: policy.plan, renewal: policy.renewal } : {}),
        });
        const version = chosenVersion(certificate, name, '');
        return shown(await certificateBundle(base, desk, certificate, version));
      },
    },
  });
  return jsonReply(dataOf(answer));
}

async function imported<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RequestError) || error instanceof AzureError) throw error;
    throw badParameter(error.message);
  }
}
