/** `config/issuers`, `config/keys`, `config/urls`, `config/cluster`, `root/replace`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { Authorities } from './authorities.ts';
import { readIndex } from './records.ts';
import type { AiaUrls, Index } from './records.ts';
import { DEFAULT_REF, keyNotFound } from './resolve.ts';
import {
  assertUrls,
  CLUSTER,
  clusterRecord,
  filledUrls,
  globalUrls,
  URL_LISTS,
  URLS,
} from './urls.ts';
import type { Reply } from '../../../model/reply.ts';

const NO_KEY =
  'This selected default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will be unavailable with the requested default issuer until a key is imported or the default issuer is changed.';

const URL_LIST = { kind: 'comma_string_list' } as const;

const URL_FIELDS = {
  issuing_certificates: { ...URL_LIST, description: 'Where the issuer’s certificate is.' },
  crl_distribution_points: { ...URL_LIST, description: 'Where the revocation list is.' },
  delta_crl_distribution_points: { ...URL_LIST, description: 'Where the delta list is.' },
  ocsp_servers: { ...URL_LIST, description: 'Where status requests are answered.' },
  enable_templating: {
    kind: 'bool',
    description: 'URLs may hold {{issuer_id}}, {{cluster_path}} and {{cluster_aia_path}}.',
  },
} as const;

function shownUrls(urls: AiaUrls): Readonly<Record<string, unknown>> {
  return {
    ...Object.fromEntries(URL_LISTS.map(([shown, stored]) => [shown, urls[stored]])),
    enable_templating: urls.enableTemplating,
  };
}

function shownIssuers(index: Pick<Index, 'defaultIssuer' | 'defaultFollowsLatest'>): Reply {
  return {
    data: {
      default: index.defaultIssuer,
      default_follows_latest_issuer: index.defaultFollowsLatest,
    },
  };
}

/** @throws {RequestError} neither host nor scheme */
function assertClusterUrl(name: string, text: string): void {
  const url = URL.parse(text);
  if (url !== null && url.host !== '') return;
  throw invalidRequest(`invalid, non-URL ${name} given to cluster`);
}

export function authorityConfigPaths(ports: PkiPorts): readonly Path[] {
  async function setDefault(
    request: Request<{
      readonly default: string | undefined;
      readonly default_follows_latest_issuer?: boolean | undefined;
    }>,
    store: Transaction,
  ): Promise<Reply> {
    const { default: reference = '', default_follows_latest_issuer: follows } = request.fields;
    if (reference === '' || reference === DEFAULT_REF) {
      throw invalidRequest(
        "Invalid issuer specification; must be non-empty and can't be 'default'.",
      );
    }
    const all = await Authorities.load(store, ports.random, request.nowMs);
    try {
      const issuer = all.issuer(reference);
      all.setDefaultIssuer(issuer.id);
      if (follows !== undefined) all.defaultFollowsLatest = follows;
      all.save();
      return {
        ...shownIssuers(all.index()),
        warnings: issuer.keyId === '' ? [NO_KEY] : [],
      };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw invalidRequest(`Error resolving issuer reference: ${error.message}`);
    }
  }

  async function setUrls(
    { fields }: Request<Partial<Record<string, readonly string[] | boolean>>>,
    store: Transaction,
  ): Promise<Reply> {
    const before = await globalUrls(store);
    const changed = URL_LISTS.flatMap(([shown, stored]) =>
      fields[shown] === undefined ? [] : [[stored, fields[shown]]],
    );
    const templating = fields['enable_templating'];
    const urls: AiaUrls = {
      ...before,
      ...(Object.fromEntries(changed) as Partial<AiaUrls>),
      ...(typeof templating === 'boolean' ? { enableTemplating: templating } : {}),
    };
    if (!urls.enableTemplating) {
      for (const [shown, stored] of URL_LISTS) assertUrls(shown, urls[stored]);
    }
    store.putJson(URLS, urls);
    return { data: shownUrls(urls), warnings: await templateWarnings(store, urls) };
  }

  return [
    definePath({
      pattern: 'config/issuers',
      fields: {
        default: { kind: 'string', description: 'The issuer that `default` means.' },
        default_follows_latest_issuer: {
          kind: 'bool',
          description: 'Whatever issuer is made or imported becomes the default.',
        },
      },
      help: { synopsis: 'Reads and sets which issuer is the default.' },
      operations: {
        read: {
          summary: 'Read the default issuer',
          handler: async (_request, store) => shownIssuers(await readIndex(store)),
        },
        update: { summary: 'Set the default issuer', handler: setDefault },
      },
    }),
    definePath({
      pattern: 'root/replace',
      fields: {
        default: {
          kind: 'string',
          description: 'The issuer that becomes the default.',
          default: 'next',
        },
      },
      help: { synopsis: 'Makes another issuer the default, the one called `next` unless said.' },
      operations: { update: { summary: 'Replace the default issuer', handler: setDefault } },
    }),
    definePath({
      pattern: 'config/keys',
      fields: { default: { kind: 'string', description: 'The key that `default` means.' } },
      help: { synopsis: 'Reads and sets which key is the default.' },
      operations: {
        read: {
          summary: 'Read the default key',
          handler: async (_request, store) => ({
            data: { default: (await readIndex(store)).defaultKey },
          }),
        },
        update: {
          summary: 'Set the default key',
          async handler({ fields, nowMs }, store) {
            const { default: reference = '' } = fields;
            if (reference === '' || reference === DEFAULT_REF) {
              throw invalidRequest(
                "Invalid key specification; must be non-empty and can't be 'default'.",
              );
            }
            const all = await Authorities.load(store, ports.random, nowMs);
            const id = all.findKey(reference);
            if (id === undefined) {
              throw invalidRequest(`Error resolving issuer reference: ${keyNotFound(reference)}`);
            }
            all.defaultKey = id;
            all.save();
            return { data: { default: id } };
          },
        },
      },
    }),
    definePath({
      pattern: 'config/urls',
      fields: URL_FIELDS,
      help: { synopsis: 'Reads and sets the URLs that certificates carry.' },
      operations: {
        read: {
          summary: 'Read the URLs',
          handler: async (_request, store) => ({ data: shownUrls(await globalUrls(store)) }),
        },
        update: { summary: 'Set the URLs', handler: setUrls },
      },
    }),
    definePath({
      pattern: 'config/cluster',
      fields: {
        path: { kind: 'string', description: 'URL of this mount, for ACME clients and templates.' },
        aia_path: { kind: 'string', description: 'URL that certificates point to, in templates.' },
      },
      help: { synopsis: 'Reads and sets the address of this mount.' },
      operations: {
        read: {
          summary: 'Read the address',
          async handler(_request, store) {
            const { path, aiaPath } = await clusterRecord(store);
            return { data: { path, aia_path: aiaPath } };
          },
        },
        update: {
          summary: 'Set the address',
          async handler({ fields }, store) {
            const before = await clusterRecord(store);
            if (fields.path !== undefined) assertClusterUrl('path', fields.path);
            if (fields.aia_path !== undefined) assertClusterUrl('aia_path', fields.aia_path);
            const path = fields.path ?? before.path;
            const aiaPath = fields.aia_path ?? before.aiaPath;
            store.putJson(CLUSTER, { path, aiaPath });
            return { data: { path, aia_path: aiaPath } };
          },
        },
      },
    }),
  ];
}

/** Whether templates can be filled in is not known before there is an issuer. */
export async function templateWarnings(
  store: Transaction,
  urls: AiaUrls,
  issuerId?: string,
): Promise<string[]> {
  if (!urls.enableTemplating) return [];
  const id = issuerId ?? Object.keys((await readIndex(store)).issuers)[0];
  if (id === undefined) return [];
  try {
    await filledUrls(store, urls, id);
    return [];
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return [
      `issuance may fail: ${error.message}\n\nConsider setting the cluster-local address if it is not already set.`,
    ];
  }
}
