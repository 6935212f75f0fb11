/** The Kubernetes engine: tokens of service accounts, and accounts with roles and bindings that live as long as their leases. */
import { definePath } from '../../model/backend.ts';
import type { Backend } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { configPath } from './config.ts';
import { KUBE_TOKEN, credsPath, revokeCreds } from './creds.ts';
import { rolePaths } from './roles.ts';
import type { KubernetesPorts } from './ports.ts';

const VARIABLES = ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT_HTTPS'];

export function kubernetesBackend(ports: KubernetesPorts): Backend {
  return {
    type: 'kubernetes',
    kind: 'secret',
    summary: 'Tokens of Kubernetes service accounts, with roles and bindings of their own.',
    paths: [
      configPath(ports),
      credsPath(ports),
      definePath({
        pattern: 'check[/]',
        fields: {},
        help: { synopsis: 'Whether this server runs in a pod, whose account it could use.' },
        operations: {
          read: {
            summary: 'Check the surroundings',
            handler: () => {
              const missing = VARIABLES.filter((name) => (ports.environment[name] ?? '') === '');
              if (missing.length === 0) return { status: 204, data: null };
              throw invalidRequest(`Missing environment variables: ${missing.join(', ')}`);
            },
          },
        },
      }),
      ...rolePaths(),
    ],
    secrets: { [KUBE_TOKEN]: { revoke: (lease, store) => revokeCreds(ports, lease, store) } },
  };
}
