/**
 * `bin/node deploy/check.ts [--kubeconfig FILE]`: what the chart makes of many values, judged by Helm, by the schemas of Kubernetes and by
 * this server's own reader of configuration; with a kubeconfig also by that API server (strict, nothing is kept there). Ends with
 * "N passed, N failed".
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pythonWith } from '../conformance/clients.ts';
import { configOf, documentsOf, objectsOf } from './manifests.ts';
import { CHART, findHelm, manifests, template } from './render.ts';
import type { Rendering } from './render.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const KUBERNETES = ['1.30', '1.33', '1.37'];
/** Of custom resources the schemas of Kubernetes know nothing; an API server does when their definitions are installed. */
const CUSTOM = /^(?:cert-manager\.io|monitoring\.coreos\.com)\//;

const SINGLE = [join(CHART, 'values-single.yaml')];
const RENDERINGS: Readonly<Record<string, Rendering>> = {
  'three replicas': {},
  'a single server': { valuesFiles: SINGLE },
  'opened by people, without TLS': { set: ['seal.kind=shamir', 'tls.enabled=false'] },
  'cert-manager and Prometheus': {
    set: [
      'tls.certManager.enabled=true',
      'tls.certManager.issuerRef.name=ca',
      'tls.certManager.extraDnsNames={vault.example.com,*.vault.example.com}',
      'metrics.serviceMonitor.enabled=true',
      'metrics.serviceMonitor.labels.release=prometheus',
    ],
  },
  'audit to standard output, no volumes': {
    set: ['audit.file.enabled=false', 'audit.stdout=ocsf'],
  },
  'audit to both': { set: ['audit.stdout=json', 'audit.file.storageClass=fast'] },
  'a new unseal key': {
    set: [
      'seal.static.keyId=key-2',
      'seal.static.previousKeyId=key-1',
      'seal.static.previousSecretKey=old',
    ],
  },
  'everything narrowed': {
    set: [
      'networkPolicy.clients[0].namespaceSelector.matchLabels.team=app',
      'networkPolicy.monitoring[0].namespaceSelector.matchLabels.name=monitoring',
      'networkPolicy.egress[0].ports[0].port=5432',
      'networkPolicy.egress[0].to[0].ipBlock.cidr=10.0.0.0/8',
      'topologySpread.zone=DoNotSchedule',
      'podDisruptionBudget.maxUnavailable=34%',
      'priorityClassName=system-cluster-critical',
      'nodeSelector.disk=ssd',
      'tolerations[0].key=vault',
      'tolerations[0].operator=Exists',
      'rbac.tokenReview=true',
      'storage.postgresql.caSecret.name=database-ca',
    ],
  },
  'everything off': {
    valuesFiles: SINGLE,
    set: [
      'metrics.enabled=false',
      'networkPolicy.enabled=false',
      'serviceAccount.create=false',
      'audit.stdout=cef',
      'audit.file.enabled=false',
    ],
  },
  'names and additions': {
    set: [
      'fullnameOverride=vault',
      'config.extra=binding "aws" "111122223333" {\n  region = "eu-central-1"\n}\nuser_lockout "all" {}\n',
      'config.host=[::]',
      'image.repository=registry.example/strongroom',
      'image.tag=1.2.3',
      'image.pullSecrets[0].name=registry',
      'service.type=LoadBalancer',
      'extraEnv[0].name=PGPASSWORD',
      'extraEnv[0].value=x',
      'podAnnotations.a=b',
    ],
  },
};

/** Values that must be refused, and what the refusal says. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'several servers on SQLite': ['storage.kind=sqlite', /several servers need postgresql/],
  'a certificate without issuer': ['tls.certManager.enabled=true', /issuerRef\.name/],
  'no audit at all': ['audit.file.enabled=false', /nothing would be recorded/],
  'half a previous key': ['seal.static.previousKeyId=key-1', /go together/],
  'a misspelt value': ['replica=3', /replica/],
  'a value of the wrong type': ['replicas=three', /replicas/],
  'a log level that there is not': ['config.logLevel=loud', /logLevel/],
  'no time to finish requests': [
    'terminationGracePeriodSeconds=5',
    /terminationGracePeriodSeconds/,
  ],
};

let passed = 0;
let failed = 0;

function check(name: string, judge: () => void): void {
  try {
    judge();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`  FAILED ${name}: ${said(error).trim()}`);
  }
}

/** What a failed program wrote, or another error says. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const stderr = 'stderr' in error ? error.stderr : undefined;
  if (stderr instanceof Buffer) return stderr.toString();
  return typeof stderr === 'string' ? stderr : error.message;
}

function refusal(helm: string, set: string): string {
  try {
    template(helm, { set: [set] });
    return '';
  } catch (error) {
    return said(error);
  }
}

function schemas(python: string, folder: string, text: string): void {
  const own = documentsOf(text).filter((each) => !CUSTOM.test(each.object.apiVersion));
  const file = join(folder, 'rendered.yaml');
  writeFileSync(file, own.map((each) => each.text).join('\n---\n'));
  for (const version of KUBERNETES) {
    const args = ['-m', 'kubernetes_validate', '--strict', '--quiet', '-k', version, file];
    execFileSync(python, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

/** The namespace has to be there; an API server does not make one for a dry run. */
function serverSide(kubeconfig: string, folder: string, text: string): void {
  const file = join(folder, 'server.yaml');
  writeFileSync(file, text);
  const apply = ['apply', '--dry-run=server', '--validate=strict', '-f', file];
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...apply], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function main(): number {
  const { values } = parseArgs({ options: { kubeconfig: { type: 'string' } } });
  const helm = findHelm();
  if (helm === undefined) {
    console.log('Left out: the chart (needs helm, or go and a network to build it)');
    return 0;
  }
  const { kubeconfig } = values;
  if (kubeconfig === undefined) {
    console.log('Left out: an API server’s own judgement (--kubeconfig FILE)');
  }
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    const python = pythonWith('kubernetes-validate', join(HERE, 'requirements.txt'));
    check('helm lint', () => {
      execFileSync(helm, ['lint', '--strict', CHART], { stdio: ['ignore', 'pipe', 'pipe'] });
    });
    for (const [name, rendering] of Object.entries(RENDERINGS)) {
      check(name, () => {
        const text = template(helm, rendering);
        schemas(python, folder, text);
        configOf(objectsOf(text));
        if (kubeconfig !== undefined) serverSide(kubeconfig, folder, text);
      });
    }
    for (const [name, [set, expected]] of Object.entries(REFUSED)) {
      check(name, () => {
        const text = refusal(helm, set);
        if (!expected.test(text)) throw new Error(text === '' ? 'was accepted' : text);
      });
    }
    for (const [name, text] of manifests(helm)) {
      check(`kubernetes/${name} is what the chart makes`, () => {
        if (readFileSync(join(HERE, 'kubernetes', name), 'utf8') !== text) {
          throw new Error('run: bin/node deploy/render.ts');
        }
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main();
