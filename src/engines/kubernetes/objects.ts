/** What is made in a cluster and removed again, by the API of Kubernetes. */
import { RequestError } from '../../model/errors.ts';
import { jsonOf, member } from '../../model/outgoing.ts';
import type { IncomingReply, OutgoingRequest } from '../../model/outgoing.ts';
import type { Cluster } from './config.ts';
import type { RoleType } from './roles.ts';
import type { KubernetesPorts } from './ports.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';
const NOT_FOUND = 404;
const FAILED_STATUS = 500;
/** Longest text of the cluster's that is passed on. */
const REASON_LENGTH_MAX = 500;

/** The object that others belong to, so that the cluster removes them with it. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Refused by the cluster, with its answer, or without one. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof ClusterError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}

const MANAGED: Readonly<Record<string, string>> = {
  'app.kubernetes.io/managed-by': 'strongroom',
  'app.kubernetes.io/created-by': 'strongroom-kubernetes-engine',
};

export class Objects {
  readonly #cluster: Cluster;
  readonly #ports: Pick<KubernetesPorts, 'send'>;

  constructor(cluster: Cluster, ports: Pick<KubernetesPorts, 'send'>) {
    this.#cluster = cluster;
    this.#ports = ports;
  }

  /** @throws {ClusterError} */
  async labelsOf(namespace: string): Promise<ReadonlyMap<string, string>> {
    const document = await this.#call('GET', `/api/v1/namespaces/${namespace}`);
    const labels = member(document, 'metadata', 'labels') ?? {};
    return new Map(
      Object.entries(labels).filter(
        (each): each is [string, string] => typeof each[1] === 'string',
      ),
    );
  }

  /** By the TokenRequest API. @throws {ClusterError} */
  async token(
    namespace: string,
    account: string,
    wanted: { readonly ttlSeconds: number; readonly audiences: readonly string[] },
  ): Promise<string> {
    const path = `${accounts(namespace)}/${encodeURIComponent(account)}/token`;
    const document = await this.#call('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: wanted.ttlSeconds, audiences: wanted.audiences },
    });
    const token = member(document, 'status', 'token');
    if (typeof token !== 'string') throw new ClusterError('the answer has no token');
    return token;
  }

  async createAccount(
    namespace: string,
    name: string,
    about: Labelled,
    owner: Owner,
  ): Promise<void> {
    await this.#call('POST', accounts(namespace), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { ...metadata(name, about, owner), namespace },
    });
  }

  async createRole(
    type: RoleType,
    namespace: string,
    name: string,
    about: Labelled & { readonly rules: readonly unknown[] },
  ): Promise<Owner> {
    return await this.#create(type, rolesPath(type, namespace), {
      metadata: { ...metadata(name, about), ...(type === 'Role' ? { namespace } : {}) },
      rules: about.rules,
    });
  }

  async createBinding(
    clusterWide: boolean,
    namespace: string,
    name: string,
    about: Labelled & { readonly role: { readonly type: RoleType; readonly name: string } },
    owner?: Owner,
  ): Promise<Owner> {
    const kind = clusterWide ? 'ClusterRoleBinding' : 'RoleBinding';
    return await this.#create(kind, bindingsPath(clusterWide, namespace), {
      metadata: { ...metadata(name, about, owner), ...(clusterWide ? {} : { namespace }) },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: about.role.type,
        name: about.role.name,
      },
    });
  }

  async deleteAccount(namespace: string, name: string): Promise<void> {
    await this.#delete(`${accounts(namespace)}/${name}`);
  }

  async deleteRole(type: RoleType, namespace: string, name: string): Promise<void> {
    await this.#delete(`${rolesPath(type, namespace)}/${name}`);
  }

  async deleteBinding(clusterWide: boolean, namespace: string, name: string): Promise<void> {
    await this.#delete(`${bindingsPath(clusterWide, namespace)}/${name}`);
  }

  async #create(kind: string, path: string, content: object): Promise<Owner> {
    const document = await this.#call('POST', path, { apiVersion: RBAC_VERSION, kind, ...content });
    const name = member(document, 'metadata', 'name');
    const uid = member(document, 'metadata', 'uid');
    if (typeof name !== 'string' || typeof uid !== 'string') {
      throw new ClusterError('the answer has no object');
    }
    return { apiVersion: RBAC_VERSION, kind, name, uid };
  }

  /** What is gone already is no failure. */
  async #delete(path: string): Promise<void> {
    try {
      await this.#call('DELETE', path);
    } catch (error) {
      if (!(error instanceof ClusterError && error.status === NOT_FOUND)) throw error;
    }
  }

  async #call(method: OutgoingRequest['method'], path: string, body?: object): Promise<unknown> {
    const { host, caPem, token } = this.#cluster;
    let reply: IncomingReply;
    try {
      reply = await this.#ports.send(host + path, {
        method,
        headers: {
          accept: 'application/json',
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(caPem === '' ? {} : { caPem }),
      });
    } catch (error) {
      throw new ClusterError('the cluster does not answer', undefined, { cause: error });
    }
    const document = jsonOf(reply);
    if (reply.status >= 200 && reply.status < 300) return document;
    const reason = member(document, 'message');
    const text =
      typeof reason === 'string' ? reason.slice(0, REASON_LENGTH_MAX) : 'no reason given';
    throw new ClusterError(`${reply.status}: ${text}`, reply.status);
  }
}

function accounts(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/serviceaccounts`;
}

function rolesPath(type: RoleType, namespace: string): string {
  return type === 'ClusterRole' ? `${RBAC}/clusterroles` : `${RBAC}/namespaces/${namespace}/roles`;
}

function bindingsPath(clusterWide: boolean, namespace: string): string {
  return clusterWide
    ? `${RBAC}/clusterrolebindings`
    : `${RBAC}/namespaces/${namespace}/rolebindings`;
}

function metadata(name: string, { labels, annotations }: Labelled, owner?: Owner): object {
  return {
    name,
    // Ours last, so that nobody can say something else.
    labels: { ...labels, ...MANAGED },
    annotations,
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  };
}
