/** operator generate-root: a new root token for a quorum of key shares, and the one-time password that covers it. */
import type { Client } from '../../../client/client.ts';
import type { JsonObject } from '../../../client/json.ts';
import { base62, systemRandom } from '../../../base/random.ts';
import { attempt, CommandFailure, EXIT_LOCAL, EXIT_OK, type Invocation } from '../../command.ts';
import { readPgpKey, readShare } from '../../key-share.ts';
import { formatColumns, wrapText } from '../../render/columns.ts';
import { printDocument, printObject, printRaw, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';
import { warn } from '../../terminal.ts';

const STATUS_FAILURE = 'Error getting root generation status';

export async function generateRoot(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const client = await invocation.session.client();
  const folder = flags.boolean('recovery-token')
    ? 'sys/generate-recovery-token'
    : 'sys/generate-root';
  if (flags.boolean('generate-otp')) return printOtp(invocation, client, folder);
  if (flags.isSet('decode')) return decode(invocation, client, folder);
  if (flags.boolean('cancel')) {
    await attempt(
      'Error canceling root token generation',
      client.request('DELETE', `${folder}/attempt`),
    );
    say(invocation, 'Success! Root token generation canceled (if it was started)');
    return EXIT_OK;
  }
  if (flags.boolean('init')) return begin(invocation, client, folder);
  if (flags.boolean('status')) {
    const status = await attempt(STATUS_FAILURE, client.object('GET', `${folder}/attempt`));
    return printStatus(invocation, status);
  }
  return provide(invocation, client, folder);
}

async function otpLength(client: Client, folder: string): Promise<number> {
  const status = await attempt(STATUS_FAILURE, client.object('GET', `${folder}/attempt`));
  const length = status['otp_length'];
  return typeof length === 'number' ? length : 0;
}

async function printOtp(invocation: Invocation, client: Client, folder: string): Promise<number> {
  const length = await otpLength(client, folder);
  const otp = base62(systemRandom, length);
  if (invocation.format === 'table') return printRaw(invocation, otp);
  return printObject(invocation, { otp, otp_length: otp.length });
}

async function begin(invocation: Invocation, client: Client, folder: string): Promise<number> {
  const { flags } = invocation;
  const otp = flags.text('otp');
  const pgpFile = flags.text('pgp-key');
  if (otp !== '' && pgpFile !== '') {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Error initializing: cannot specify both -otp and -pgp-key',
    );
  }
  const body = { otp, pgp_key: pgpFile === '' ? '' : await readPgpKey(pgpFile) };
  const status = await attempt(
    'Error initializing root generation',
    client.object('PUT', `${folder}/attempt`, { body }),
  );
  return printStatus(invocation, status);
}

async function provide(invocation: Invocation, client: Client, folder: string): Promise<number> {
  const status = await attempt(STATUS_FAILURE, client.object('GET', `${folder}/attempt`));
  if (status['started'] !== true) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'No root generation is in progress. Start one by running "strongroom operator generate-root -init".',
    );
  }
  const nonce = plainText(status['nonce'] ?? '');
  const share = await readShare(
    invocation,
    `Operation nonce: ${nonce}\nUnseal Key (will be hidden): `,
  );
  const usedNonce = share.asked ? nonce : invocation.flags.text('nonce');
  if (usedNonce === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Missing nonce value: specify it via the -nonce flag');
  }
  const body = { key: share.key, nonce: usedNonce };
  const next = await attempt(
    'Error posting unseal key',
    client.object('PUT', `${folder}/update`, { body }),
  );
  return printStatus(invocation, next);
}

async function decode(invocation: Invocation, client: Client, folder: string): Promise<number> {
  const { flags } = invocation;
  const given = flags.text('decode');
  const otp = flags.text('otp');
  if (given === '') {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Missing encoded value: use -decode=<string> to supply it',
    );
  }
  if (otp === '') throw new CommandFailure(EXIT_LOCAL, 'Missing otp: use -otp to supply it');
  const encoded = given === '-' ? (await invocation.terminal.readInput()).trim() : given;
  if (encoded === '') {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Missing encoded value. When using -decode="-" value must be passed via stdin.',
    );
  }
  const length = await otpLength(client, folder);
  const token = decodeToken(encoded, otp, length);
  if (invocation.format === 'table') return printRaw(invocation, token);
  return printObject(invocation, { token });
}

/** The token is the encoded bytes combined with those of the password by exclusive or. */
export function decodeToken(encoded: string, otp: string, length: number): string {
  const bytes = Buffer.from(encoded, 'base64');
  const pad = length > 0 ? Buffer.from(otp) : Buffer.from(otp, 'base64');
  if (bytes.length !== pad.length) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Error decoding root token: the password does not have the length of the encoded token',
    );
  }
  return Buffer.from(bytes.map((byte, index) => byte ^ (pad[index] ?? 0))).toString('utf8');
}

async function printStatus(invocation: Invocation, status: JsonObject): Promise<number> {
  if (invocation.format !== 'table') return printDocument(invocation, status);
  const text = (key: string): string => plainText(status[key] ?? '');
  const rows = [
    ['Nonce', text('nonce')],
    ['Started', text('started')],
    ['Progress', `${text('progress')}/${text('required')}`],
    ['Complete', text('complete')],
  ];
  if (text('pgp_fingerprint') !== '') rows.push(['PGP Fingerprint', text('pgp_fingerprint')]);
  if (text('encoded_token') !== '') rows.push(['Encoded Token', text('encoded_token')]);
  else if (text('encoded_root_token') !== '')
    rows.push(['Encoded Root Token', text('encoded_root_token')]);
  if (text('otp') !== '') {
    warn(
      invocation.terminal,
      wrapText(
        'A one-time password was made and is shown as OTP. It is needed to decode the token, so keep it.',
      ),
    );
    rows.push(['OTP', text('otp')]);
  }
  if (text('otp_length') !== '' && status['otp_length'] !== 0)
    rows.push(['OTP Length', text('otp_length')]);
  say(invocation, formatColumns(rows));
  return EXIT_OK;
}
