/** One-time passwords: made for a user and a host (`creds`), and asked about by the host, once (`verify`). */
import { isIP, SocketAddress } from 'node:net';
import { cidrsContain } from '../../base/cidr.ts';
import { uuid } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { LeaseContext, Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Transaction } from '../../model/transaction.ts';
import { ROLES, roleNamed } from './roles.ts';
import type { SshRole } from './roles.ts';
import { zeroAddressRoles } from './zero-address.ts';
import type { SshPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

export const OTP_SECRET = 'secret_otp_type';
/** By the hash of the password, which is stored nowhere. */
const PASSWORDS = 'otp/';
/** A password is a UUID; longer texts are not worth a hash. */
const PASSWORD_LENGTH_MAX = 256;
/** What helpers on hosts ask to see whether they reach the server, and what they expect. */
const ECHO = { request: 'verify-echo-request', response: 'verify-echo-response' } as const;

interface OneTimePassword {
  readonly username: string;
  readonly ip: string;
  readonly role: string;
  readonly expiresMs: number;
}

const ROLE = { kind: 'string', default: '', description: 'Name of the role.' } as const;

export function oneTimePaths(ports: Pick<SshPorts, 'random' | 'hash'>): readonly Path[] {
  return [
    definePath({
      pattern: 'creds/{role:any}',
      fields: {
        role: ROLE,
        username: { kind: 'string', default: '', description: 'User on the host.' },
        ip: { kind: 'string', default: '', description: 'Address of the host.' },
      },
      help: {
        synopsis: 'Makes a password that counts once, for a user on a host.',
        description: 'It comes with a lease; when that ends, the password does too.',
      },
      operations: {
        update: {
          summary: 'Make a password',
          handler: (request, store) => make(request, store, ports),
        },
      },
    }),
    definePath({
      pattern: 'lookup',
      fields: { ip: { kind: 'string', default: '', description: 'Address of the host.' } },
      help: { synopsis: 'Roles that make passwords for an address.' },
      operations: {
        update: {
          summary: 'Find roles by address',
          handler: async ({ fields }, store) => ({
            data: { roles: await rolesFor(addressOf(fields.ip), store) },
          }),
        },
      },
    }),
    definePath({
      pattern: 'verify',
      fields: {
        otp: { kind: 'string', default: '', description: 'The password.' },
      },
      unauthenticated: true,
      help: {
        synopsis: 'What a host asks about a password that somebody logs in with.',
        description: 'A password that was asked about once is gone.',
      },
      operations: {
        update: {
          summary: 'Verify a password',
          handler: (request, store) => verify(request, store, ports),
        },
      },
    }),
  ];
}

interface CredsFields {
  readonly role: string;
  readonly username: string;
  readonly ip: string;
}

async function make(
  { fields, mount, nowMs }: Request<CredsFields>,
  store: Transaction,
  { random, hash }: Pick<SshPorts, 'random' | 'hash'>,
): Promise<Reply> {
  const { role: name } = fields;
  if (fields.ip === '') throw invalidRequest('Missing ip');
  const role = await roleNamed(store, name);
  if (role === undefined) throw invalidRequest(`Role "${name}" not found`);
  const username = usernameOf(role, fields.username);
  const ip = addressOf(fields.ip);
  const anywhere = (await zeroAddressRoles(store))?.includes(name) ?? false;
  if (!anywhere && !covers(role, ip)) {
    throw invalidRequest('Error validating IP: IP does not belong to role');
  }
  if (role.keyType !== 'otp') throw invalidRequest('the role makes no one-time passwords');
  const password = uuid(random);
  const ttlSeconds = mount.defaultLeaseTtlSeconds;
  const id = hash(password);
  const record: OneTimePassword = {
    username,
    ip,
    role: name,
    expiresMs: nowMs + ttlSeconds * 1000,
  };
  store.putJsonNew(PASSWORDS + id, record);
  return {
    data: { key_type: role.keyType, key: password, username, ip, port: role.port },
    lease: {
      ttlSeconds,
      maxTtlSeconds: ttlSeconds,
      renewable: false,
      secretType: OTP_SECRET,
      internal: { id },
    },
  };
}

function usernameOf(role: Stored<SshRole>, asked: string): string {
  const username = asked === '' ? role.defaultUser : asked;
  if (username === '') {
    throw invalidRequest("No default username registered. Use 'username' option");
  }
  if (username === role.defaultUser) return username;
  if (role.allowedUsers === '') {
    throw invalidRequest(
      'Username has to be either in allowed users list or has to be a default username',
    );
  }
  const allowed =
    role.allowedUsers === '*' ||
    role.allowedUsers.split(',').some((user) => user.trim() === username);
  if (!allowed) throw invalidRequest('Username is not present is allowed users list');
  return username;
}

/** The address in its one form. @throws {RequestError} invalid_request */
function addressOf(text: string): string {
  if (text === '') throw invalidRequest('Missing ip');
  const family = isIP(text);
  if (family === 0 || text.includes('%')) throw invalidRequest('Invalid IP');
  return new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
}

function covers(role: Stored<SshRole>, ip: string): boolean {
  if (role.keyType !== 'otp') return false;
  const within = (list: string): boolean => list !== '' && cidrsContain(list.split(','), ip);
  return within(role.cidrList) && !within(role.excludeCidrList);
}

/** Null when there is none, as the reference answers. */
async function rolesFor(ip: string, store: Transaction): Promise<string[] | null> {
  const found: string[] = [];
  for (const name of await namesBelow(store, ROLES)) {
    const role = await roleNamed(store, name);
    if (role?.keyType !== 'otp' || role.cidrList === '') continue;
    if (cidrsContain(role.cidrList.split(','), ip)) found.push(name);
  }
  found.push(...((await zeroAddressRoles(store)) ?? []));
  return found.length === 0 ? null : found;
}

async function verify(
  { fields: { otp }, nowMs }: Request<{ readonly otp: string }>,
  store: Transaction,
  { hash }: Pick<SshPorts, 'hash'>,
): Promise<Reply> {
  if (otp === ECHO.request) return { data: { message: ECHO.response } };
  if (otp.length > PASSWORD_LENGTH_MAX) throw invalidRequest('OTP not found');
  const key = PASSWORDS + hash(otp);
  const record = await store.getRecord<OneTimePassword>(key);
  if (record === undefined || record.expiresMs <= nowMs) throw invalidRequest('OTP not found');
  // Committed on condition that nobody has taken it meanwhile, so it counts once on every replica.
  store.delete(key);
  return { data: { username: record.username, ip: record.ip, role_name: record.role } };
}

/** The lease is over: the password was used, or will not be. */
export async function revokeOneTime(lease: LeaseContext, store: Transaction): Promise<void> {
  const { id } = lease.internal;
  if (typeof id === 'string') store.delete(PASSWORDS + id);
}
