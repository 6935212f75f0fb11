/** `provider_config`: providers that do not put the groups of a user into the token as a list. */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson, FetchOptions } from '../fetch-json.ts';
import { ClaimError, claimAt, pointed } from '../claims.ts';

export interface GroupLookup {
  readonly groupsClaim: string;
  /** Of a browser login; '' when there is none. */
  readonly accessToken: string;
  readonly fetch: FetchJson;
  readonly options: FetchOptions;
}

type GroupSource = (
  claims: JsonObject,
  lookup: GroupLookup,
) => Promise<JsonValue | undefined> | JsonValue | undefined;

/** Hosts of the old directory API, and of the one that took its place. */
const GRAPH_HOSTS: ReadonlyMap<string, string> = new Map([
  ['graph.windows.net', 'graph.microsoft.com'],
  ['graph.microsoftazure.us', 'graph.microsoft.us'],
]);

function separatedBy(separator: string): GroupSource {
  return (claims, { groupsClaim }) => {
    const value = claimAt(claims, groupsClaim);
    return typeof value === 'string' ? value.split(separator) : value;
  };
}

/** Where a claim that did not fit into the token can be had (OpenID Connect Core 1.0 §5.6.2). */
function distributedSource(claims: JsonObject, claim: string): string {
  const source = pointed(claims, `/_claim_names/${claim}`);
  const endpoint =
    typeof source === 'string' ? pointed(claims, `/_claim_sources/${source}/endpoint`) : undefined;
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null) throw new ClaimError(`claim ${claim} is neither in the token nor elsewhere`);
  const instead = GRAPH_HOSTS.get(url.host);
  if (instead !== undefined) {
    url.host = instead;
    url.pathname = `/v1.0${url.pathname}`;
  }
  return url.href;
}

async function azureGroups(
  claims: JsonObject,
  lookup: GroupLookup,
): Promise<JsonValue | undefined> {
  const inToken = claimAt(claims, lookup.groupsClaim);
  if (inToken !== undefined && inToken !== null) return inToken;
  const url = distributedSource(claims, lookup.groupsClaim);
  if (lookup.accessToken === '')
    throw new ClaimError('the groups are elsewhere, and there is no access token to fetch them');
  try {
    const { status, document } = await lookup.fetch(url, {
      ...lookup.options,
      method: 'POST',
      headers: {
        authorization: `Bearer ${lookup.accessToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ securityEnabledOnly: false }),
    });
    const groups = (document as { readonly value?: unknown } | null)?.value;
    if (status !== 200 || !Array.isArray(groups))
      throw new ClaimError(`the groups cannot be fetched: status ${status}`);
    return groups as JsonValue[];
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ClaimError(`the groups cannot be fetched: ${error.message}`);
  }
}

const SOURCES: ReadonlyMap<string, GroupSource> = new Map<string, GroupSource>([
  ['azure', azureGroups],
  ['ibmisam', separatedBy(' ')],
  ['secureauth', separatedBy(',')],
]);

function sourceOf(config: JsonObject): GroupSource | undefined {
  const { provider } = config as { readonly provider?: unknown };
  return typeof provider === 'string' ? SOURCES.get(provider) : undefined;
}

/** @throws {RequestError} when a provider is named that is not one of those that need special care */
export function checkGroupSource(config: JsonObject): void {
  if (Object.keys(config).length === 0) return;
  if (sourceOf(config) === undefined) {
    throw invalidRequest(
      `invalid provider_config: 'provider' must be one of ${[...SOURCES.keys()].join(', ')}`,
    );
  }
}

/** What is read back: names only, whatever else was written. */
export function shownGroupSource(config: JsonObject): JsonObject {
  const { provider } = config as { readonly provider?: JsonValue };
  return provider === undefined ? {} : { provider };
}

/** The claims with the groups as a list where roles look for them. @throws {ClaimError} */
export async function withGroups(
  claims: JsonObject,
  config: JsonObject,
  lookup: GroupLookup,
): Promise<JsonObject> {
  const source = sourceOf(config);
  if (source === undefined || lookup.groupsClaim === '') return claims;
  const groups = await source(claims, lookup);
  if (groups === undefined) return claims;
  return replaced(claims, lookup.groupsClaim, groups);
}

function replaced(claims: JsonObject, name: string, value: JsonValue): JsonObject {
  const steps = name.startsWith('/') ? name.split('/').slice(1) : [name];
  const [first = '', ...rest] = steps.map((step) =>
    step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
  const copy: [string, JsonValue][] = Object.entries(claims).filter(([key]) => key !== first);
  const inner = Object.hasOwn(claims, first) ? claims[first] : undefined;
  const within = inner !== undefined && isJsonObject(inner) ? inner : {};
  const below = rest.length === 0 ? value : replaced(within, `/${rest.join('/')}`, value);
  return Object.fromEntries([...copy, [first, below]]);
}
