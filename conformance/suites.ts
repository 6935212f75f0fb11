/** The suites: which client each installs, how it is run, and what it finds prepared on the server. */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  goModuleFolder,
  goProgram,
  javaClasses,
  nodeModulesWith,
  programOfMachine,
  pythonWith,
} from './clients.ts';
import { logins } from './logins.ts';
import { authority, aws, azure, google, java, staged, vault } from './stages.ts';
import type { Stage } from './stages.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

export interface Prepared {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Suite {
  /** Installs the client and gives the command that runs the suite. */
  readonly prepare: () => Prepared;
  /** Takes minutes to install: run only when it is named. */
  readonly large?: true;
  /** Wants a second server that is not initialised yet, at `FRESH_ADDR`. */
  readonly fresh?: true;
  /** What the suite finds on the server, and where; only of suites about what the reference has not. */
  readonly stage?: (stage: Stage) => Promise<Readonly<Record<string, string>>>;
}

function python(name: string, file = 'suite.py'): Suite['prepare'] {
  return () => ({
    argv: [pythonWith(name, join(HERE, name, 'requirements.txt')), join(HERE, name, file)],
    environment: {},
  });
}

function javascript(
  name: string,
  packages: readonly string[],
  file = 'suite.ts',
): Suite['prepare'] {
  return () => ({
    argv: [process.execPath, '--disable-warning=ExperimentalWarning', join(HERE, name, file)],
    environment: { MODULES: nodeModulesWith(name, packages) },
  });
}

/** Resources of one provider, which Terraform itself fetches at the version that is pinned in its folder. */
function terraform(provider: string): Suite['prepare'] {
  return () => ({
    argv: ['bash', join(HERE, 'terraform', 'suite.sh'), join(HERE, 'terraform', provider)],
    environment: { TERRAFORM: programOfMachine('terraform') },
  });
}

/** The collection has no releases: a state of its repository. */
const WYCHEPROOF = 'github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf';
const VECTORS = join(HERE, 'vectors', 'suite.ts');

const AWS_PACKAGES = [
  '@aws-sdk/client-kms@3.1162.0',
  '@aws-sdk/client-secrets-manager@3.1162.0',
  '@aws-sdk/client-sts@3.1162.0',
];

const AZURE_PACKAGES = [
  '@azure/identity@4.13.1',
  '@azure/keyvault-certificates@4.10.3',
  '@azure/keyvault-keys@4.10.2',
  '@azure/keyvault-secrets@4.11.2',
];

export const SUITES: Readonly<Record<string, Suite>> = {
  hvac: { prepare: python('hvac'), fresh: true },
  'node-vault': { prepare: javascript('node-vault', ['node-vault@0.12.0']) },
  'logins-python': { prepare: python('logins-python'), stage: logins },
  'logins-ansible': { prepare: python('logins-ansible'), stage: logins, large: true },
  'logins-javascript': {
    prepare: javascript('logins-javascript', ['node-vault@0.12.0']),
    stage: logins,
  },
  'aws-python': { prepare: python('aws-python'), stage: staged(aws) },
  'aws-javascript': { prepare: javascript('aws-javascript', AWS_PACKAGES), stage: staged(aws) },
  'aws-cli': {
    stage: staged(aws),
    prepare: () => {
      const program = pythonWith('aws-cli', join(HERE, 'aws-cli', 'requirements.txt'));
      return {
        argv: ['bash', join(HERE, 'aws-cli', 'suite.sh')],
        environment: { AWS: join(dirname(program), 'aws') },
      };
    },
  },
  'azure-python': { prepare: python('azure-python'), stage: staged(azure) },
  'azure-javascript': {
    prepare: javascript('azure-javascript', AZURE_PACKAGES),
    stage: staged(azure),
  },
  'azure-certificates-python': {
    prepare: python('azure-python', 'certificates.py'),
    stage: staged(authority, azure),
  },
  'azure-certificates-javascript': {
    prepare: javascript('azure-javascript', AZURE_PACKAGES, 'certificates.ts'),
    stage: staged(authority, azure),
  },
  'azure-cli': {
    large: true,
    stage: staged(authority, azure),
    prepare: () => {
      const program = pythonWith('azure-cli', join(HERE, 'azure-cli', 'requirements.txt'));
      return {
        argv: ['bash', join(HERE, 'azure-cli', 'suite.sh')],
        environment: { AZ: join(dirname(program), 'az') },
      };
    },
  },
  'google-python': { prepare: python('google-python'), stage: staged(google) },
  'google-javascript': {
    prepare: javascript('google-javascript', ['@google-cloud/secret-manager@6.3.0']),
    stage: staged(google),
  },
  // No registry of packages has it: it is the one of this machine.
  gcloud: {
    large: true,
    stage: staged(google),
    prepare: () => ({
      argv: ['bash', join(HERE, 'gcloud', 'suite.sh')],
      environment: { GCLOUD: programOfMachine('gcloud') },
    }),
  },
  'terraform-vault': { large: true, stage: vault, prepare: terraform('vault') },
  'terraform-google': { large: true, stage: staged(google), prepare: terraform('google') },
  'terraform-calls': {
    prepare: () => ({
      argv: [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        join(HERE, 'terraform-calls', 'suite.ts'),
      ],
      environment: { MODULES: nodeModulesWith('aws-javascript', AWS_PACKAGES) },
    }),
    stage: staged(authority, aws, azure),
  },
  vectors: {
    prepare: () => {
      const program = pythonWith('vectors', join(HERE, 'vectors', 'requirements.txt'));
      const find = 'import cryptography_vectors as v; print(v.__path__[0])';
      const folder = execFileSync(program, ['-c', find], { encoding: 'utf8' }).trim();
      return {
        argv: [process.execPath, '--disable-warning=ExperimentalWarning', VECTORS],
        environment: { VECTORS: folder },
      };
    },
  },
  wycheproof: {
    prepare: () => {
      const folder = goModuleFolder(WYCHEPROOF);
      return {
        argv: [
          process.execPath,
          '--disable-warning=ExperimentalWarning',
          join(HERE, 'vectors', 'wycheproof.ts'),
        ],
        environment: { VECTORS: join(folder, 'testvectors_v1') },
      };
    },
  },
  'eso-go': {
    large: true,
    stage: staged(authority, aws, azure),
    prepare: () => ({
      argv: [goProgram('eso-go', join(HERE, 'eso-go'))],
      environment: { SSL_CERT_DIR: '/nonexistent' },
    }),
  },
  // A cluster's own server, which no registry of packages has either.
  'kube-apiserver': {
    large: true,
    stage: vault,
    prepare: () => ({
      argv: [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        join(HERE, 'kube-apiserver', 'suite.ts'),
      ],
      environment: {
        KUBE_APISERVER: programOfMachine('kube-apiserver'),
        ETCD: programOfMachine('etcd'),
      },
    }),
  },
  'sdk-java': {
    large: true,
    stage: staged(authority, aws, azure, java),
    prepare: () => ({
      argv: ['java', '-cp', javaClasses('sdk-java', join(HERE, 'sdk-java')), 'Suite'],
      environment: {},
    }),
  },
  'every-api': { prepare: python('every-api'), stage: staged(aws, azure, google) },
};
