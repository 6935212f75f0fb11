/**
 * `bin/node deploy/render.ts`: writes the plain manifests anew from the chart. They are its output, so that there is one source; Helm is
 * needed to make them, not to use them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
export const CHART: string = join(HERE, 'helm', 'strongroom');
const TOOLS = fileURLToPath(new URL('../node_modules/.cache/deploy/', import.meta.url));
const HELM_VERSION = 'v3.22.0';
/** The version of Kubernetes that the chart is rendered for. */
const KUBERNETES_VERSION = '1.33.0';
const NAMESPACE = 'strongroom';

/** By the name of the file in `kubernetes/`: the files of values. */
const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  'replicas.yaml': [],
  'single.yaml': ['values-single.yaml'],
};

/** Helm as it is installed, else built by Go into a folder of this checkout; undefined when there is neither. */
export function findHelm(): string | undefined {
  if (spawnSync('helm', ['version']).status === 0) return 'helm';
  const built = join(TOOLS, 'helm');
  if (existsSync(built)) return built;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  mkdirSync(TOOLS, { recursive: true });
  const install = ['install', `helm.sh/helm/v3/cmd/helm@${HELM_VERSION}`];
  const { status } = spawnSync('go', install, { env: { ...process.env, GOBIN: TOOLS } });
  return status === 0 ? built : undefined;
}

export interface Rendering {
  readonly valuesFiles?: readonly string[];
  /** `name=value`, as Helm's `--set` takes them. */
  readonly set?: readonly string[];
}

/** What `helm template` prints. @throws when Helm refuses */
export function template(helm: string, { valuesFiles = [], set = [] }: Rendering): string {
  const values = valuesFiles.flatMap((file) => ['--values', file]);
  const settings = set.flatMap((setting) => ['--set', setting]);
  const place = ['--namespace', NAMESPACE, '--kube-version', KUBERNETES_VERSION];
  const args = ['template', 'strongroom', CHART, ...place, '--skip-tests', ...values, ...settings];
  return execFileSync(helm, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The text of each plain manifest, by the name of its file. */
export function manifests(helm: string): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const [name, files] of Object.entries(MANIFESTS)) {
    const valuesFiles = files.map((file) => join(CHART, file));
    made.set(name, plain(name, template(helm, { valuesFiles })));
  }
  return made;
}

/** Nothing of Helm's own, and the namespace before what is in it. */
function plain(name: string, rendered: string): string {
  const lines = rendered
    .split('\n')
    .filter((line) => !/^# Source: |managed-by: Helm$|helm\.sh\/chart: /.test(line));
  return `# Made from the chart by deploy/render.ts. Use: kubectl apply -f deploy/kubernetes/${name}
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
${lines.join('\n')}`;
}

function main(): number {
  const helm = findHelm();
  if (helm === undefined) {
    console.error('needs helm, or go to build it');
    return 1;
  }
  for (const [name, text] of manifests(helm)) writeFileSync(join(HERE, 'kubernetes', name), text);
  return 0;
}

if (import.meta.main) process.exitCode = main();
