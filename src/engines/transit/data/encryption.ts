/** `encrypt`, `decrypt`, `rewrap` and `datakey`: what a key does with data, one input or many at a time. */
import type { JsonValue } from '../../../base/json.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import type { Handler } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import {
  SLICE_OF_SHORT_WORK,
  batchItems,
  batchReply,
  batchTexts,
  numberOf,
  outcomeOf,
  outcomesOf,
  singleReply,
  textOf,
} from './batch.ts';
import type { BatchOptions, Made, Outcome } from './batch.ts';
import { decryptBytes, encryptBytes, inputBytes } from './crypt.ts';
import type { CryptOptions } from './crypt.ts';
import { ItemError, SOFT_DELETED, asRequestError } from '../failures.ts';
import type { ReadyKey } from '../keys/key-cache.ts';
import { findKey, parseMarked, versionToMake, withVersion } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { KEY_TYPES, keyTypeOf, takesAssociatedData } from '../keys/key-types.ts';
import { PLAIN_SETTINGS, createKey, findKeyToMake } from '../keys/make-key.ts';
import type { TransitPorts } from '../ports.ts';
import { keySettings } from '../settings.ts';
import type { Reply } from '../../../model/reply.ts';

interface Input {
  readonly text: string;
  readonly context: string;
  readonly associatedData: string;
  readonly keyVersion: number;
  readonly reference: string;
}

export interface CryptFields {
  readonly name: string;
  readonly context: string;
  readonly associated_data: string;
  readonly key_version: number;
  readonly batch_input: JsonValue | undefined;
  readonly partial_failure_response_code?: number | undefined;
}

export interface EncryptFields extends CryptFields {
  readonly plaintext: string | undefined;
  readonly type: string;
  readonly convergent_encryption: boolean;
}

export interface DecryptFields extends CryptFields {
  readonly ciphertext: string;
}

/** What is read of an item of `rewrap`, which is read less strictly than those of `encrypt` and `decrypt`. */
const REWRAP_TEXTS = ['ciphertext', 'context', 'associated_data', 'reference'];

const NOT_FOUND = 'encryption key not found';

interface Inputs {
  readonly inputs: readonly Input[];
  readonly batch: boolean;
  readonly warnings: readonly string[];
}

/** @param required whether an item without its text makes the whole request wrong. */
function inputsOf(
  fields: CryptFields,
  what: 'plaintext' | 'ciphertext',
  text: string | undefined,
  required: boolean,
): Inputs {
  if (fields.batch_input === undefined || fields.batch_input === null) {
    const missing = `missing ${what} to ${what === 'plaintext' ? 'encrypt' : 'decrypt'}`;
    if (text === undefined || (what === 'ciphertext' && text === '')) {
      throw invalidRequest(missing);
    }
    const { context, associated_data: associatedData, key_version: keyVersion } = fields;
    return {
      inputs: [{ text, context, associatedData, keyVersion, reference: '' }],
      batch: false,
      warnings: [],
    };
  }
  const items = required
    ? batchItems(fields.batch_input)
    : batchTexts(fields.batch_input, REWRAP_TEXTS);
  let withContext = 0;
  let withNonce = false;
  const inputs = items.map((item, index) => {
    const own = textOf(item[what], index, what);
    if (own === undefined && required) {
      const message = `failed to parse batch input: '[${index}].${what}' missing ${what}`;
      throw asRequestError(new ItemError(message, 'internal'));
    }
    const context = textOf(item['context'], index, 'context') ?? '';
    if (context !== '') withContext++;
    if (item['nonce'] !== undefined) withNonce = true;
    return {
      text: own ?? '',
      context,
      associatedData: textOf(item['associated_data'], index, 'associated_data') ?? '',
      keyVersion: numberOf(item['key_version'], index, 'key_version'),
      reference: textOf(item['reference'], index, 'reference') ?? '',
    };
  });
  if (withContext !== 0 && withContext !== inputs.length) {
    throw invalidRequest('context should be set either in all the request blocks or in none');
  }
  // A nonce of the caller's own is never used (CVE-2023-4680).
  const warnings = withNonce ? ['the nonces in batch_input are not used'] : [];
  return { inputs, batch: true, warnings };
}

const NO_OPTIONS: CryptOptions = { context: Buffer.alloc(0), associatedData: Buffer.alloc(0) };

function optionsOf(record: StoredKey, input: Input, index: number): CryptOptions {
  if (input.context === '' && input.associatedData === '') return NO_OPTIONS;
  const context = inputBytes(input.context);
  const type = keyTypeOf(record);
  if (input.associatedData !== '' && !takesAssociatedData(type)) {
    throw new ItemError(
      `'[${index}].associated_data' provided for non-AEAD cipher suite ${type.name}`,
      'unflagged',
    );
  }
  return { context, associatedData: inputBytes(input.associatedData) };
}

function checkUsable(record: StoredKey, purpose: string): void {
  if (record.softDeleted) throw new ItemError(SOFT_DELETED);
  if (!keyTypeOf(record).encrypts) {
    throw new ItemError(`message ${purpose} not supported for key type ${record.type}`);
  }
}

type Sealed = { readonly ciphertext: string; readonly key_version: number };

/** One key within one request. */
class KeyInUse {
  readonly #ports: TransitPorts;
  readonly #store: Transaction;
  readonly #name: string;
  readonly record: StoredKey;
  readonly #ready = new Map<number, ReadyKey>();

  constructor(ports: TransitPorts, store: Transaction, name: string, record: StoredKey) {
    this.#ports = ports;
    this.#store = store;
    this.#name = name;
    this.record = record;
  }

  async #load(version: number): Promise<ReadyKey> {
    const ready = await this.#ports.keys.ready(this.#store, this.#name, this.record, version);
    this.#ready.set(version, ready);
    return ready;
  }

  encrypt(plaintext: Buffer, wanted: number, options: CryptOptions): Sealed | Promise<Sealed> {
    checkUsable(this.record, 'encryption');
    const version = versionToMake(this.record, wanted, 'encryption');
    // A version that this request has already is used at once: a batch waits for its first item only.
    const held = this.#ready.get(version);
    if (held !== undefined) return this.#seal(held, version, plaintext, options);
    return this.#load(version).then((ready) => this.#seal(ready, version, plaintext, options));
  }

  #seal(ready: ReadyKey, version: number, plaintext: Buffer, options: CryptOptions): Sealed {
    const sealed = encryptBytes(this.record, ready, plaintext, options, this.#ports.nonces);
    return { ciphertext: withVersion(version, sealed.toString('base64')), key_version: version };
  }

  decrypt(ciphertext: string, options: CryptOptions): Buffer | Promise<Buffer> {
    checkUsable(this.record, 'decryption');
    if (ciphertext === '') throw new ItemError('missing ciphertext to decrypt');
    const { version, body } = parseMarked(this.record, ciphertext, 'ciphertext');
    const sealed = inputBytes(body, 'invalid ciphertext: could not decode base64');
    const held = this.#ready.get(version);
    if (held !== undefined) return decryptBytes(this.record, held, sealed, options);
    return this.#load(version).then((ready) => decryptBytes(this.record, ready, sealed, options));
  }
}

function answer(
  fields: CryptFields,
  { inputs, batch, warnings }: Inputs,
  outcomes: readonly Outcome[],
  options: Omit<BatchOptions, 'references'> = {},
): Reply {
  if (!batch) return singleReply(outcomes[0]);
  return batchReply(outcomes, {
    references: inputs.map((input) => input.reference),
    partialStatus: fields.partial_failure_response_code,
    warnings,
    ...options,
  });
}

function sliceFor(record: StoredKey): number | undefined {
  return keyTypeOf(record).aead === undefined ? undefined : SLICE_OF_SHORT_WORK;
}

/** A plaintext as it is answered; its bytes are wiped. */
function shown(plaintext: Buffer): Made {
  const text = plaintext.toString('base64');
  wipe(plaintext);
  return { plaintext: text };
}

export interface EncryptionHandlers {
  readonly encrypt: Handler<Transaction, EncryptFields>;
  readonly decrypt: Handler<Transaction, DecryptFields>;
  readonly rewrap: Handler<Transaction, DecryptFields>;
  readonly dataKey: Handler<Transaction, DataKeyFields>;
}

export function encryptionHandlers(ports: TransitPorts): EncryptionHandlers {
  async function keyToEncrypt(
    request: Request<EncryptFields>,
    store: Transaction,
    withContext: boolean,
  ): Promise<StoredKey> {
    const { name, convergent_encryption: convergent } = request.fields;
    const existing = await findKeyToMake(store, name, ports, request);
    if (existing !== undefined) return existing;
    if (request.operation !== 'create') throw invalidRequest(NOT_FOUND);
    if (convergent && !withContext) {
      throw invalidRequest(
        'convergent encryption requires derivation to be enabled, so context is required',
      );
    }
    const type = KEY_TYPES.get(request.fields.type);
    if (type?.aead === undefined) throw invalidRequest('unknown key type for this operation');
    if ((await keySettings(store)).disableUpsert) throw invalidRequest(NOT_FOUND);
    const settings = { ...PLAIN_SETTINGS, derived: withContext, convergent };
    return await createKey(store, name, type, settings, ports, request);
  }

  async function encrypt(request: Request<EncryptFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const inputs = inputsOf(fields, 'plaintext', fields.plaintext, true);
    const withContext = inputs.inputs[0]?.context !== '';
    const record = await keyToEncrypt(request, store, withContext);
    const key = new KeyInUse(ports, store, fields.name, record);
    const outcomes = await outcomesOf(
      inputs.inputs,
      (input, index) => {
        const plaintext = inputBytes(input.text);
        const options = optionsOf(record, input, index);
        return key.encrypt(plaintext, input.keyVersion, options);
      },
      sliceFor(record),
    );
    return answer(fields, inputs, outcomes);
  }

  async function decrypt(request: Request<DecryptFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const inputs = inputsOf(fields, 'ciphertext', fields.ciphertext, true);
    const record = await findKey(store, fields.name);
    if (record === undefined) throw invalidRequest(NOT_FOUND);
    const key = new KeyInUse(ports, store, fields.name, record);
    const outcomes = await outcomesOf(
      inputs.inputs,
      (input, index) => {
        const plaintext = key.decrypt(input.text, optionsOf(record, input, index));
        return plaintext instanceof Promise ? plaintext.then(shown) : shown(plaintext);
      },
      sliceFor(record),
    );
    return answer(fields, inputs, outcomes, { onFailure: { plaintext: '' } });
  }

  /** Decrypts and encrypts again, under the latest version or the one asked for; the plaintext goes nowhere. */
  async function rewrap(request: Request<DecryptFields>, store: Transaction): Promise<Reply> {
    const { fields } = request;
    const inputs = inputsOf(fields, 'ciphertext', fields.ciphertext, false);
    const record = await findKeyToMake(store, fields.name, ports, request);
    if (record === undefined) throw invalidRequest(NOT_FOUND);
    const key = new KeyInUse(ports, store, fields.name, record);
    const outcomes = await outcomesOf(inputs.inputs, async (input, index) => {
      const options = optionsOf(record, input, index);
      const plaintext = await key.decrypt(input.text, options);
      const again = await key.encrypt(plaintext, input.keyVersion, options);
      wipe(plaintext);
      return again;
    });
    for (const outcome of outcomes) {
      if (outcome instanceof ItemError && outcome.fault === 'internal') {
        throw asRequestError(outcome);
      }
    }
    return answer(fields, inputs, outcomes, { alwaysOk: true });
  }

  async function dataKey(request: Request<DataKeyFields>, store: Transaction): Promise<Reply> {
    const { name, plaintext: form, bits, key_version: version } = request.fields;
    if (form !== 'plaintext' && form !== 'wrapped') {
      throw invalidRequest("Invalid path, must be 'plaintext' or 'wrapped'");
    }
    const record = await findKeyToMake(store, name, ports, request);
    if (record === undefined) throw invalidRequest(NOT_FOUND);
    if (!DATA_KEY_BITS.includes(bits)) throw invalidRequest('invalid bit length');
    const bytes = ports.random.bytes(bits / 8);
    const key = new KeyInUse(ports, store, name, record);
    const outcome = await outcomeOf(async () => {
      const options = {
        context: inputBytes(request.fields.context, 'failed to base64-decode context'),
        associatedData: inputBytes(request.fields.associated_data),
      };
      if (options.associatedData.length > 0 && !takesAssociatedData(keyTypeOf(record))) {
        throw new ItemError(`'associated_data' provided for non-AEAD cipher suite ${record.type}`);
      }
      const sealed = await key.encrypt(bytes, version, options);
      return form === 'wrapped' ? sealed : { ...sealed, plaintext: bytes.toString('base64') };
    });
    wipe(bytes);
    return singleReply(outcome);
  }

  return { encrypt, decrypt, rewrap, dataKey };
}

export interface DataKeyFields {
  readonly name: string;
  readonly plaintext: string;
  readonly bits: number;
  readonly context: string;
  readonly associated_data: string;
  readonly key_version: number;
}

/** Lengths that data keys may have. */
export const DATA_KEY_BITS: readonly number[] = [128, 256, 512];
