/** Manifests as data, and the configuration that is in them, read as the server reads it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../src/server/config/load-config.ts';
import type { ServerConfig } from '../src/server/config/server-config.ts';

/** What is looked at of a container. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
}

/** Of any kind; members that the kind has not are absent. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[];
    readonly serviceName?: string;
    readonly selector?: Readonly<Record<string, unknown>>;
    readonly template?: { readonly spec: PodSpec; readonly metadata: { readonly labels: object } };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

export interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
  readonly terminationGracePeriodSeconds: number;
}

export interface ManifestDocument {
  readonly text: string;
  readonly object: KubernetesObject;
}

/** @throws when a document is no YAML */
export function documentsOf(text: string): ManifestDocument[] {
  const found: ManifestDocument[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const object = document.toJS() as KubernetesObject | null;
    if (object !== null) found.push({ text: JSON.stringify(object), object });
  }
  return found;
}

export function objectsOf(text: string): KubernetesObject[] {
  return documentsOf(text).map(({ object }) => object);
}

/** The one object of a kind, by a part of its name if there are several. @throws when there is none */
export function only(
  objects: readonly KubernetesObject[],
  kind: string,
  name = '',
): KubernetesObject {
  const found = objects.find(
    (each) => each.kind === kind && (name === '' || each.metadata.name === name),
  );
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** The text of the files of configuration, by name, with every absolute path below `root`. */
export function configFiles(
  objects: readonly KubernetesObject[],
  root: string,
): ReadonlyMap<string, string> {
  const { data = {} } = only(objects, 'ConfigMap');
  return new Map(
    Object.entries(data).map(([name, text]) => [
      name,
      text.replaceAll(/(["/])(\/(?:etc|var|tmp)\/)/g, `$1${root}$2`),
    ]),
  );
}

/** Reads the configuration of these objects as a server would. @throws {ConfigError} @throws on a warning */
export function configOf(objects: readonly KubernetesObject[]): ServerConfig {
  const root = mkdtempSync(join(tmpdir(), 'config-'));
  try {
    const keys = join(root, 'etc/strongroom/unseal');
    const folder = join(root, 'etc/strongroom/config');
    mkdirSync(keys, { recursive: true });
    mkdirSync(folder, { recursive: true });
    for (const name of ['current', 'previous']) writeFileSync(join(keys, name), randomBytes(32));
    for (const [name, text] of configFiles(objects, root)) writeFileSync(join(folder, name), text);
    return loadConfig([folder], {
      environment: {
        STRONGROOM_PG_CONNECTION_URL: 'postgres://strongroom@database/strongroom',
      },
      flags: {},
      warn: (warning) => {
        throw new Error(warning);
      },
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
