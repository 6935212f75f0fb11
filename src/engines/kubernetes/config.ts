/** `config`: which cluster, and the account that manages others in it. */
import { X509Certificate } from 'node:crypto';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader } from '../../model/transaction.ts';
import type { KubernetesPorts } from './ports.ts';

const KEY = 'config';
const TEXT_LENGTH_MAX = 64 * 1024;

interface KubernetesConfig {
  /** '' = that of the pod. */
  readonly host: string;
  readonly caPem: string;
  readonly token: string;
  readonly disableLocal: boolean;
}

/** A cluster that can be asked. */
export interface Cluster {
  readonly host: string;
  readonly caPem: string;
  readonly token: string;
}

const FIELDS = {
  kubernetes_host: {
    kind: 'string',
    description: 'URL of the API; that of the cluster of this server’s pod without it.',
  },
  kubernetes_ca_cert: {
    kind: 'string',
    description: 'Certificates (PEM) that alone are trusted; those of the pod without it.',
  },
  service_account_jwt: {
    kind: 'string',
    sensitive: true,
    description: 'Token of the managing account; that of the pod without it.',
  },
  disable_local_ca_jwt: {
    kind: 'bool',
    description: 'What the pod has is not used.',
  },
} as const;

/** `https://HOST:PORT` of the cluster that this server runs in. */
function podHost({ environment }: KubernetesPorts): string | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT_HTTPS'] ?? '';
  if (host === '' || port === '') return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws {RequestError} */
export async function clusterOf(store: Reader, ports: KubernetesPorts): Promise<Cluster> {
  const config = await store.getJson<KubernetesConfig>(KEY);
  if (config === undefined) throw invalidRequest('could not load backend configuration');
  const host = config.host === '' ? podHost(ports) : config.host;
  if (host === undefined) {
    throw invalidRequest(
      'kubernetes_host was unset and could not determine it from environment variables',
    );
  }
  const local = async (file: 'token' | 'ca.crt'): Promise<string> =>
    config.disableLocal ? '' : ((await ports.local(file)) ?? '').trim();
  return {
    host: host.replace(/\/+$/, ''),
    caPem: config.caPem === '' ? await local('ca.crt') : config.caPem,
    token: config.token === '' ? await local('token') : config.token,
  };
}

function check(config: KubernetesConfig): void {
  for (const text of [config.host, config.caPem, config.token]) {
    if (text.length > TEXT_LENGTH_MAX) throw invalidRequest('a setting is too long');
  }
  if (config.host !== '') {
    const url = URL.parse(config.host);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      throw invalidRequest("'kubernetes_host' must begin with https:// or http://");
    }
    if (url.username !== '' || url.search !== '' || url.hash !== '') {
      throw invalidRequest("'kubernetes_host' must be an address without credentials or query");
    }
  }
  if (config.caPem !== '' && !isCertificate(config.caPem)) {
    throw invalidRequest("'kubernetes_ca_cert' is no certificate");
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

export function configPath(ports: KubernetesPorts): Path {
  return definePath({
    pattern: 'config',
    fields: FIELDS,
    help: { synopsis: 'Says which cluster is managed, and by which account.' },
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, store) => {
          const config = await store.getJson<KubernetesConfig>(KEY);
          if (config === undefined) return undefined;
          return {
            data: {
              disable_local_ca_jwt: config.disableLocal,
              kubernetes_ca_cert: config.caPem,
              kubernetes_host: config.host,
            },
          };
        },
      },
      update: {
        summary: 'Write the settings',
        handler: async ({ fields }, store) => {
          const before = await store.getJson<KubernetesConfig>(KEY);
          if (fields.kubernetes_host === undefined && podHost(ports) === undefined) {
            throw invalidRequest(
              'kubernetes_host was unset and could not be determined from environment variables',
            );
          }
          const config: KubernetesConfig = {
            host: fields.kubernetes_host ?? before?.host ?? '',
            caPem: fields.kubernetes_ca_cert ?? before?.caPem ?? '',
            token: fields.service_account_jwt ?? before?.token ?? '',
            disableLocal: fields.disable_local_ca_jwt ?? before?.disableLocal ?? false,
          };
          check(config);
          store.putJson(KEY, config);
          return undefined;
        },
      },
      delete: {
        summary: 'Forget the settings',
        handler: (_request, store) => {
          store.delete(KEY);
          return undefined;
        },
      },
    },
  });
}
