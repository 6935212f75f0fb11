/** The little of Azure Resource Manager that az asks for before it talks to a vault: the cloud's endpoints, and one subscription. */
import { createHash } from 'node:crypto';
import type { WireReply } from '../../facade.ts';
import { jsonReply } from '../wire/errors.ts';
import { TENANT } from './challenge.ts';

export function isCloudMetadata(method: string, segments: readonly string[]): boolean {
  return method === 'GET' && segments.join('/').toLowerCase() === 'metadata/endpoints';
}

export function isSubscriptions(method: string, segments: readonly string[]): boolean {
  return (
    method === 'GET' && segments.length === 1 && segments[0]?.toLowerCase() === 'subscriptions'
  );
}

export function cloudMetadataReply(host: string): WireReply {
  const root = `https://${host}`;
  const [domain = host] = host.split(':');
  return jsonReply({
    name: 'strongroom',
    portal: root,
    media: root,
    graph: root,
    graphAudience: `${root}/`,
    authentication: {
      loginEndpoint: `${root}/${TENANT}`,
      audiences: [root],
      tenant: TENANT,
      identityProvider: 'ADFS',
    },
    suffixes: { keyVaultDns: host, storage: domain },
    resourceManager: `${root}/`,
    batch: root,
    gallery: root,
    vmImageAliasDoc: root,
    activeDirectoryDataLake: root,
    sqlManagement: root,
  });
}

/** One subscription per domain, whose id is derived from the domain: az needs some to remember the account by. */
export function subscriptionsReply(host: string): WireReply {
  const hex = createHash('sha256').update(host).digest('hex');
  const id = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
  return jsonReply({
    value: [
      {
        id: `/subscriptions/${id}`,
        subscriptionId: id,
        displayName: 'strongroom',
        state: 'Enabled',
        tenantId: TENANT,
      },
    ],
  });
}
