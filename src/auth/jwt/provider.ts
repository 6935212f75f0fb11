/** What we ask of an OpenID provider: where to send the browser, tokens for a code, who the user is. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { FetchError, formOf } from '../fetch-json.ts';
import type { FetchJson, FetchOptions } from '../fetch-json.ts';
import { ClaimError, checkTimes, leewaysOf, numberOf } from '../claims.ts';
import { issuerOf } from './config.ts';
import type { JwtConfig } from './config.ts';
import { fetchOptionsOf } from '../key-sets.ts';
import type { KeySets, ProviderMetadata } from '../key-sets.ts';
import type { LoginState } from './login-state.ts';
import type { JwtRole } from './role.ts';
import { signedClaims } from './signed-claims.ts';
import type { Stored } from '../../model/transaction.ts';

export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Seconds that clocks may differ when the time of authentication is judged. */
const AUTH_TIME_SKEW_SECONDS = 60;
/** Half of this digest of the access token is in the ID token (OpenID Connect Core 1.0 §3.1.3.6). */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['256', 'sha256'],
  ['384', 'sha384'],
  ['512', 'sha512'],
  ['DSA', 'sha512'],
]);

export class Provider {
  readonly #config: JwtConfig;
  readonly #keySets: KeySets;
  readonly #fetch: FetchJson;
  readonly metadata: ProviderMetadata;
  readonly options: FetchOptions;

  private constructor(
    config: JwtConfig,
    ports: { readonly keySets: KeySets; readonly fetch: FetchJson },
    metadata: ProviderMetadata,
    options: FetchOptions,
  ) {
    this.#config = config;
    this.#keySets = ports.keySets;
    this.#fetch = ports.fetch;
    this.metadata = metadata;
    this.options = options;
  }

  /** @throws {FetchError} when the provider does not tell what it is */
  static async of(
    config: JwtConfig,
    ports: { readonly keySets: KeySets; readonly fetch: FetchJson },
  ): Promise<Provider> {
    const source = issuerOf(config);
    const metadata = source === undefined ? undefined : await ports.keySets.metadata(source);
    if (source === undefined || metadata === undefined) throw new FetchError('no provider');
    return new Provider(config, ports, metadata, fetchOptionsOf(source));
  }

  /** Where the browser goes (OpenID Connect Core 1.0 §3.1.2.1), always with a code challenge (RFC 7636). */
  authorizationUrl(state: LoginState, stateText: string, role: Stored<JwtRole>): string {
    const url = URL.parse(this.metadata.authorizationEndpoint);
    if (url === null) throw new FetchError('the provider names no authorization endpoint');
    const implicit = this.#config.oidc_response_types.includes('id_token');
    const challenge = createHash('sha256').update(state.codeVerifier).digest('base64url');
    const parameters: Record<string, string> = {
      client_id: this.#config.oidc_client_id,
      nonce: state.nonce,
      redirect_uri: state.redirectUri,
      response_type: implicit ? 'id_token' : 'code',
      scope: scopesOf(role),
      state: stateText,
      ...(implicit ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
      ...(this.#config.oidc_response_mode === 'form_post' ? { response_mode: 'form_post' } : {}),
      ...(role.max_age > 0 ? { max_age: String(role.max_age) } : {}),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    url.searchParams.sort();
    return url.href;
  }

  /** @throws {FetchError | ClaimError} */
  async exchange(code: string, state: LoginState): Promise<Tokens> {
    const answer = await this.#atTokenEndpoint({
      grant_type: 'authorization_code',
      code,
      redirect_uri: state.redirectUri,
      code_verifier: state.codeVerifier,
    });
    return tokensOf(answer);
  }

  /** Begins a login on another device (RFC 8628 §3.1). @throws {FetchError} */
  async authorizeDevice(role: Stored<JwtRole>): Promise<JsonObject> {
    if (this.metadata.deviceEndpoint === '')
      throw new FetchError('the provider has no device authorization endpoint');
    return await this.#post(this.metadata.deviceEndpoint, { scope: scopesOf(role) });
  }

  /** Tokens, or the error of a login that is not over (RFC 8628 §3.5). @throws {FetchError | ClaimError} */
  async pollDevice(deviceCode: string): Promise<Tokens | { readonly error: string }> {
    const answer = await this.#atTokenEndpoint({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: deviceCode,
    });
    const { error } = answer as { readonly error?: unknown };
    return typeof error === 'string' ? { error } : tokensOf(answer);
  }

  /**
   * The claims of an ID token that was made for this login (OpenID Connect Core 1.0 §3.1.3.7).
   * @param nonce undefined in the device flow, which has none
   * @throws {ClaimError}
   */
  async verified(
    tokens: Tokens,
    role: Stored<JwtRole>,
    options: { readonly nonce: string | undefined; readonly nowMs: number },
  ): Promise<JsonObject> {
    const { claims, algorithm } = await signedClaims(tokens.idToken, this.#config, this.#keySets);
    const { nonce, ...rest } = claims as JsonObject & { readonly nonce?: unknown };
    if (rest['iss'] !== this.metadata.issuer) throw new ClaimError('another issuer');
    checkAudience(rest, this.#config.oidc_client_id, role.bound_audiences ?? []);
    checkTimes(rest, leewaysOf(role), options.nowMs);
    if (options.nonce !== undefined && nonce !== options.nonce)
      throw new ClaimError('the nonce is another login’s');
    if (role.bound_subject !== '' && rest['sub'] !== role.bound_subject)
      throw new ClaimError('another subject');
    checkAge(rest, role.max_age, options.nowMs);
    checkAccessToken(rest, algorithm, tokens.accessToken);
    return rest;
  }

  /** What the provider tells beside the ID token; undefined when it has nothing to tell of this user. */
  async userInfo(accessToken: string, subject: unknown): Promise<JsonObject | undefined> {
    if (this.metadata.userinfoEndpoint === '' || accessToken === '') return undefined;
    const { status, document } = await this.#fetch(this.metadata.userinfoEndpoint, {
      ...this.options,
      headers: { authorization: `Bearer ${accessToken}` },
    });
    const claims = document as JsonValue;
    if (status !== 200 || !isJsonObject(claims))
      throw new FetchError(`the userinfo endpoint answered with status ${status}`);
    // OpenID Connect Core 1.0 §5.3.2: claims of another subject must not be used.
    if (claims['sub'] !== subject) throw new FetchError('the user info is another subject’s');
    return claims;
  }

  async #atTokenEndpoint(form: Readonly<Record<string, string>>): Promise<JsonObject> {
    return await this.#post(this.metadata.tokenEndpoint, form);
  }

  /** With the client's credentials in the way that the provider takes them (RFC 6749 §2.3.1). */
  async #post(url: string, form: Readonly<Record<string, string>>): Promise<JsonObject> {
    const { oidc_client_id: id, oidc_client_secret: secret } = this.#config;
    const methods = this.metadata.tokenAuthMethods;
    const inBody =
      methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
    const request = formOf({
      ...form,
      client_id: id,
      ...(inBody ? { client_secret: secret } : {}),
    });
    const basic = Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64');
    const fetched = await this.#fetch(url, {
      ...this.options,
      ...request,
      headers: { ...request.headers, ...(inBody ? {} : { authorization: `Basic ${basic}` }) },
    });
    const document = fetched.document as JsonValue;
    if (!isJsonObject(document)) throw new FetchError('no object in the answer');
    return document;
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ t: text }).toString().slice(2);
}

function scopesOf(role: Stored<JwtRole>): string {
  return [...new Set(['openid', ...(role.oidc_scopes ?? [])])].join(' ');
}

function tokensOf(answer: JsonObject): Tokens {
  const text = (name: string): string => {
    const value = answer[name];
    return typeof value === 'string' ? value : '';
  };
  const idToken = text('id_token');
  if (idToken === '') {
    // The code of the error only (RFC 6749 §5.2): its description may repeat what was sent.
    const error = /^[a-z_]{1,64}$/.test(text('error')) ? text('error') : 'no id_token in it';
    throw new ClaimError(`the provider gave no token: ${error}`);
  }
  return { idToken, accessToken: text('access_token'), refreshToken: text('refresh_token') };
}

function checkAudience(claims: JsonObject, clientId: string, bound: readonly string[]): void {
  const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
  if (!audiences.includes(clientId)) throw new ClaimError('the token is not for this client');
  if (bound.length > 0 && !bound.some((audience) => audiences.includes(audience)))
    throw new ClaimError('another audience');
  const party = claims['azp'];
  if (party !== undefined && party !== clientId)
    throw new ClaimError('the token was issued to another client');
}

function checkAge(claims: JsonObject, maxAgeSeconds: number, nowMs: number): void {
  if (maxAgeSeconds === 0) return;
  const at = numberOf(claims['auth_time'], 'auth_time');
  if (at === undefined || at + maxAgeSeconds + AUTH_TIME_SKEW_SECONDS < nowMs / 1000)
    throw new ClaimError('the user authenticated too long ago');
}

function checkAccessToken(claims: JsonObject, algorithm: string, accessToken: string): void {
  const expected = claims['at_hash'];
  if (expected === undefined || accessToken === '') return;
  const digest = createHash(HASHES.get(algorithm.slice(-3)) ?? 'sha256')
    .update(accessToken)
    .digest();
  const actual = digest.subarray(0, digest.length / 2);
  const wanted = typeof expected === 'string' ? Buffer.from(expected, 'base64url') : undefined;
  if (wanted?.length !== actual.length || !timingSafeEqual(wanted, actual))
    throw new ClaimError('the access token is not the one that the ID token speaks of');
}
