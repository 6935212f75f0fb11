/** What is measured: for each scenario the requests of one connection, one after the other. */
import { awsGet, azureGet, flatSecret, googleAccess, grpcAccess } from './cloud.ts';
import type { AccessKey } from './cloud.ts';
import type { JwtAlgorithm } from './jwt-logins.ts';
import { rawRequest } from './connection.ts';
import type { RawAnswer } from './connection.ts';

export const SCENARIOS = [
  'kv read',
  'kv write',
  'token lookup',
  'token create',
  'approle login',
  'jwt login ES256',
  'jwt login RS256',
  'wrap + unwrap',
  'database creds',
  'aws get',
  'pki issue EC',
  'pki issue RSA',
  'transit encrypt',
  'transit batch of 100',
  'transit sign',
  'azure get',
  'google access',
  'google access by gRPC',
] as const;
export const GRPC_SCENARIO = 'google access by gRPC';
/** What of the servers only Strongroom answers. */
export const CLOUD_SCENARIOS: ReadonlySet<string> = new Set([
  'aws get',
  'azure get',
  'google access',
  'google access by gRPC',
]);
/** What the bare server does too: the same work of OpenSSL, and nothing beside it. */
export const BARE_SCENARIOS: ReadonlySet<string> = new Set([
  'pki issue EC',
  'pki issue RSA',
  'transit encrypt',
  'transit batch of 100',
  'transit sign',
]);
export type ScenarioName = (typeof SCENARIOS)[number] | 'hello' | 'bulk load';

export interface ScenarioInput {
  /** A token that may do all this by its policy; no root token. */
  readonly token: string;
  /** Tokens for look-ups. */
  readonly tokens: readonly string[];
  /** Of an entity that may do the same. */
  readonly accessKey: AccessKey;
  /** What logs in at the JWT method, by the algorithm of its signature. */
  readonly jwts: Readonly<Record<JwtAlgorithm, string>>;
  /** Secrets stored below `secret/bench/`. */
  readonly stored: number;
  /** The first number of a bulk load. */
  readonly from: number;
}

/** One round of a scenario: gives the next request, or undefined when the round is over. */
export type Round = (answer: RawAnswer | undefined) => Buffer | undefined;

/** Paths per connection that writes go to, so that histories stay short. */
const WRITE_PATHS = 1000;

export const SECRET: Readonly<Record<string, string>> = {
  username: 'bench',
  password: 'x'.repeat(32),
};

/** What logs in; made by the preparation. */
export const APPROLE: Readonly<Record<string, string>> = {
  role_id: 'bench-role-id',
  secret_id: 'bench-secret-id',
};

export function secretPath(index: number): string {
  return `bench/${index >> 10}/${index}`;
}

const plaintext = Buffer.alloc(100, 1).toString('base64');
const batch_input = Array.from({ length: 100 }, () => ({ plaintext }));

/** A maker of rounds for one connection. */
export function roundsOf(
  name: ScenarioName,
  input: ScenarioInput,
  connection: number,
  connections: number,
): () => Round {
  let count = 0;
  // A fixed stride spreads the reads over all secrets without a random source; 7919 is prime.
  const nextSecret = (): number => ((connection + connections * count++) * 7919) % input.stored;
  switch (name) {
    case 'hello':
    case 'kv read':
      return () => once(rawRequest('GET', `secret/data/${secretPath(nextSecret())}`, input.token));
    case 'kv write':
      return () => {
        const path = `secret/data/bench/w${connection}/${count++ % WRITE_PATHS}`;
        return once(rawRequest('POST', path, input.token, { data: SECRET }));
      };
    case 'bulk load':
      return () => {
        const index = input.from + connection + connections * count++;
        if (index >= input.stored) return () => undefined;
        const path = `secret/data/${secretPath(index)}`;
        return once(rawRequest('POST', path, input.token, { data: SECRET }));
      };
    case 'token lookup':
      return () => {
        const token = input.tokens[(connection + count++) % input.tokens.length] ?? input.token;
        return once(rawRequest('GET', 'auth/token/lookup-self', token));
      };
    case 'token create': {
      const body = { policies: ['default'], ttl: '1h' };
      return () => once(rawRequest('POST', 'auth/token/create', input.token, body));
    }
    case 'approle login':
      return () => once(rawRequest('POST', 'auth/approle/login', '', APPROLE));
    case 'database creds':
      return () => once(rawRequest('GET', 'database/creds/bench', input.token));
    case 'jwt login ES256':
      return () => once(jwtLogin(input.jwts.ES256));
    case 'jwt login RS256':
      return () => once(jwtLogin(input.jwts.RS256));
    case 'wrap + unwrap':
      return () => wrapRound(secretPath(nextSecret()), input.token);
    case 'aws get':
      return () => once(awsGet(flatSecret(nextSecret()), input.accessKey));
    case 'pki issue EC':
    case 'pki issue RSA': {
      const path = `pki-${name === 'pki issue EC' ? 'ec' : 'rsa'}/issue/bench`;
      return () => {
        const body = { common_name: `h${connection}-${count++}.bench.test` };
        return once(rawRequest('POST', path, input.token, body));
      };
    }
    case 'transit encrypt':
      return () => once(rawRequest('POST', 'transit/encrypt/aes', input.token, { plaintext }));
    case 'transit batch of 100':
      return () => once(rawRequest('POST', 'transit/encrypt/aes', input.token, { batch_input }));
    case 'transit sign':
      return () => once(rawRequest('POST', 'transit/sign/ec', input.token, { input: plaintext }));
    case 'azure get':
      return () => once(azureGet(flatSecret(nextSecret()), input.token));
    case 'google access':
      return () => once(googleAccess(flatSecret(nextSecret()), input.token));
    case 'google access by gRPC':
      return () => once(grpcAccess(flatSecret(nextSecret())));
    default:
      throw new Error(`unknown scenario ${String(name satisfies never)}`);
  }
}

function jwtLogin(jwt: string): Buffer {
  return rawRequest('POST', 'auth/jwt/login', '', { role: 'bench', jwt });
}

function once(request: Buffer): Round {
  let sent = false;
  return () => {
    if (sent) return undefined;
    sent = true;
    return request;
  };
}

function wrapRound(path: string, token: string): Round {
  let step = 0;
  return (answer) => {
    step++;
    if (step === 1) {
      return rawRequest('GET', `secret/data/${path}`, token, undefined, 'X-Vault-Wrap-TTL: 60\r\n');
    }
    if (step > 2) return undefined;
    const wrapped = /"token":"(?<token>[^"]+)"/.exec(answer?.bytes.toString('latin1') ?? '');
    return rawRequest('POST', 'sys/wrapping/unwrap', wrapped?.groups?.['token'] ?? 'none', {});
  };
}
