/** The manifests and the image against the product: configuration, ports, probes, paths and commands are what the server really has. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { verifyAuditFiles } from '../src/audit/verify.ts';
import { Api, textAt } from '../rig/api.ts';
import { Child, freePort } from '../rig/child.ts';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../rig/postgresql.ts';
import { configFiles, configOf, objectsOf, only } from './manifests.ts';
import type { Container, KubernetesObject, PodSpec, Probe } from './manifests.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const READY_TIMEOUT_MS = 30_000;
const UNSEAL_KEY_BYTES = 32;

function manifest(name: string): KubernetesObject[] {
  return objectsOf(readFileSync(join(ROOT, 'deploy', 'kubernetes', name), 'utf8'));
}

const MANIFESTS = { replicas: manifest('replicas.yaml'), single: manifest('single.yaml') };

function podOf(objects: readonly KubernetesObject[]): PodSpec {
  const spec = only(objects, 'StatefulSet').spec?.template?.spec;
  assert.ok(spec !== undefined);
  return spec;
}

function containerOf(objects: readonly KubernetesObject[], name: string): Container {
  const found = podOf(objects).containers.find((each) => each.name === name);
  assert.ok(found !== undefined);
  return found;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const [name, objects] of Object.entries(MANIFESTS)) {
  describe(`the manifests for ${name}`, () => {
    const server = containerOf(objects, 'strongroom');
    const config = configOf(objects);

    test('ports: what the server listens on is what everything else names', () => {
      const listening = config.listeners
        .filter(({ kind }) => kind === 'tcp')
        .map(({ address }) => Number(address?.split(':').at(-1)));
      assert.deepEqual(
        server.ports?.map(({ containerPort }) => containerPort),
        listening,
      );
      const names = new Set(server.ports?.map((port) => port.name));
      const { startupProbe, livenessProbe, readinessProbe } = server;
      const named = [startupProbe, livenessProbe, readinessProbe].map(
        (each) => each?.httpGet.port ?? '',
      );
      for (const service of objects.filter(({ kind }) => kind === 'Service')) {
        named.push(...(service.spec?.ports ?? []).map(({ targetPort }) => targetPort));
      }
      const rules = only(objects, 'NetworkPolicy').spec?.ingress ?? [];
      named.push(...rules.flatMap(({ ports }) => ports.map(({ port }) => port)));
      for (const port of named) assert.ok(names.has(port), port);
      const set = only(objects, 'StatefulSet').spec;
      const internal = only(objects, 'Service', set?.serviceName).spec;
      assert.equal(internal?.clusterIP, 'None');
      const address = server.env?.find((each) => each.name === 'STRONGROOM_API_ADDR')?.value;
      assert.match(address ?? '', new RegExp(`^https://.*\\.${set?.serviceName}\\..*:8200$`));
    });

    test('everything is written to a volume, for the root is read-only, and read from one', () => {
      const mounts = server.volumeMounts ?? [];
      const volumes = new Set([
        ...podOf(objects).volumes.map((each) => each.name),
        ...(only(objects, 'StatefulSet').spec?.volumeClaimTemplates ?? []).map(
          ({ metadata }) => metadata.name,
        ),
      ]);
      for (const mount of mounts) assert.ok(volumes.has(mount.name), mount.name);
      const text = [...configFiles(objects, '').values()].join('\n');
      const paths = [...text.matchAll(/"(?:file:\/\/)?(\/[^"]+)"/g)].map((match) => match[1] ?? '');
      assert.ok(paths.length >= 4);
      for (const path of paths) {
        const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
        assert.ok(mount !== undefined, `${path} is on no volume`);
        assert.equal(mount.readOnly === true, path.startsWith('/etc/'), path);
      }
    });

    test('no container may do what a server need not', () => {
      const pod = podOf(objects);
      assert.equal(pod.securityContext['runAsNonRoot'], true);
      for (const { securityContext } of pod.containers) {
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
      const user = /^USER (\d+):(\d+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
      const { runAsUser, runAsGroup } = pod.securityContext;
      assert.deepEqual(user?.slice(1).map(Number), [runAsUser, runAsGroup]);
    });
  });
}

test('three replicas share a database, one has its own', () => {
  assert.equal(configOf(MANIFESTS.replicas).storage.kind, 'postgresql');
  assert.equal(configOf(MANIFESTS.single).storage.kind, 'sqlite');
});

test('the image is made of what there is', () => {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const listed = new Set(readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n'));
  for (const [, sources = ''] of text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
    for (const source of sources.split(' ')) {
      assert.ok(existsSync(join(ROOT, source)), source);
      assert.ok(listed.has(`!${source}`), `${source} is not sent to the builder`);
    }
  }
  const [, entry = ''] = /^ENTRYPOINT \["\/opt\/strongroom\/(.*)"\]$/m.exec(text) ?? [];
  assert.ok(existsSync(join(ROOT, entry)));
  const [, command = ''] = /^CMD (.*)$/m.exec(text) ?? [];
  assert.deepEqual(JSON.parse(command), containerOf(MANIFESTS.replicas, 'strongroom').args);
});

interface Pod {
  readonly api: Api;
  readonly metrics: Api;
  readonly root: string;
  /** The status of a probe. */
  probe(probe: Probe | undefined): Promise<number>;
  run(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
}

interface PodOptions {
  readonly unsealKey?: Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** A server as the manifest starts it, in a folder in place of the root, without TLS. Resolves with its first answer. */
async function started(
  t: TestContext,
  objects: readonly KubernetesObject[],
  options: PodOptions = {},
): Promise<Pod> {
  const root = folderOf(t);
  const container = containerOf(objects, 'strongroom');
  for (const { mountPath } of container.volumeMounts ?? []) {
    mkdirSync(join(root, mountPath), { recursive: true });
  }
  writeFileSync(
    join(root, 'etc/strongroom/unseal/current'),
    options.unsealKey ?? randomBytes(UNSEAL_KEY_BYTES),
  );
  const ports = new Map<string, number>();
  for (const { name } of container.ports ?? []) ports.set(name, await freePort());
  const portOf = new Map(container.ports?.map(({ name, containerPort }) => [containerPort, name]));
  for (const [name, text] of configFiles(objects, root)) {
    const here = text
      .replaceAll(
        /0\.0\.0\.0:(\d+)/g,
        (_, port) => `127.0.0.1:${ports.get(portOf.get(Number(port)) ?? '')}`,
      )
      .replaceAll(/tls_cert_file .*/g, 'tls_disable = true')
      .replaceAll(/tls_key_file .*/g, '');
    writeFileSync(join(root, 'etc/strongroom/config', name), here);
  }
  const executable = join(ROOT, 'bin', 'strongroom');
  const args = container.args?.map((each) => each.replace('=/', `=${root}/`)) ?? [];
  const env = { VAULT_TOKEN: '', ...options.env };
  const child = new Child([executable, ...args], { env });
  t.after(async () => await child.stop());
  const api = new Api(`http://127.0.0.1:${ports.get('https')}`);
  const metrics = new Api(`http://127.0.0.1:${ports.get('metrics')}`);
  t.after(() => [api, metrics].forEach((each) => each.close()));
  const status = async (path: string): Promise<number> =>
    (await api.call('GET', path.replace('/v1/', ''))).status;
  await until(async () => {
    assert.equal(child.exit, undefined, child.output);
    return (await status('sys/health').catch(() => 0)) !== 0;
  });
  const address = container.env?.find(({ name }) => name === 'VAULT_ADDR')?.value ?? '';
  return {
    api,
    metrics,
    root,
    probe: async (probe) => await status(probe?.httpGet.path ?? ''),
    run: async (...argv) => {
      const own = address.replace('unix://', `unix://${root}`);
      const command = new Child([executable, ...argv], { env: { ...env, VAULT_ADDR: own } });
      const { code } = await command.exited;
      return { code: code ?? -1, output: command.output };
    },
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline);
    await delay(20);
  }
}

async function initialize(pod: Pod): Promise<string> {
  const made = await pod.run('operator', 'init', '-format=json');
  assert.equal(made.code, 0, made.output);
  return textAt(JSON.parse(made.output) as Record<string, unknown>, 'root_token');
}

test('a server that waits for people lives; ready is only who answers', async (t) => {
  const { startupProbe, livenessProbe, readinessProbe } = containerOf(
    MANIFESTS.single,
    'strongroom',
  );
  const pod = await started(t, MANIFESTS.single);
  const { api, metrics, root } = pod;
  const probes = async (): Promise<number[]> => [
    await pod.probe(startupProbe),
    await pod.probe(livenessProbe),
    await pod.probe(readinessProbe),
  ];
  assert.deepEqual(await probes(), [200, 200, 501]);

  const token = await initialize(pod);
  assert.deepEqual(await probes(), [200, 200, 200]);
  assert.match((await pod.run('status')).output, /Sealed\s+false/);

  const read = await metrics.call('GET', 'sys/metrics?format=prometheus');
  assert.equal(read.status, 200);
  assert.notEqual((await metrics.call('GET', 'sys/seal-status', { token })).status, 200);
  assert.equal((await api.call('GET', 'sys/metrics?format=prometheus')).status, 403);

  // The volume of the audit log fails: nothing is served here, and nobody kills the server for it.
  const log = join(root, 'var/log/strongroom');
  renameSync(log, `${log}.away`);
  writeFileSync(log, 'no folder');
  const refused = async (): Promise<boolean> =>
    (await api.call('GET', 'sys/mounts', { token })).status === 500;
  await until(refused);
  assert.deepEqual(await probes(), [200, 200, 503]);
  rmSync(log);
  renameSync(`${log}.away`, log);
  await until(async () => (await pod.probe(readinessProbe)) === 200);

  assert.equal((await api.call('PUT', 'sys/seal', { token })).status, 204);
  assert.deepEqual(await probes(), [200, 200, 503]);
  assert.equal((await pod.run('status')).code, 2);
});

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  test('three replicas start together; once one is initialised all are ready, and one answers for the others', async (t) => {
    const database = await startPostgres();
    t.after(async () => await database.stop());
    await database.createDatabase('strongroom');
    const options = {
      unsealKey: randomBytes(UNSEAL_KEY_BYTES),
      env: { STRONGROOM_PG_CONNECTION_URL: database.url('strongroom') },
    };
    const { replicas } = only(MANIFESTS.replicas, 'StatefulSet').spec ?? {};
    const pods = await Promise.all(
      Array.from({ length: replicas ?? 0 }, () => started(t, MANIFESTS.replicas, options)),
    );
    const [first, ...others] = pods;
    assert.ok(first !== undefined && others.length === 2);
    const token = await initialize(first);
    const { readinessProbe } = containerOf(MANIFESTS.replicas, 'strongroom');
    for (const pod of pods) await until(async () => (await pod.probe(readinessProbe)) === 200);
    const type = { type: 'kv', options: { version: '2' } };
    await first.api.expect('PUT', 'sys/mounts/secret', { token, body: type });
    const body = { data: { a: 'b' } };
    await first.api.expect('PUT', 'secret/data/app', { token, body });
    for (const { api } of others) {
      assert.equal(
        textAt(await api.expect('GET', 'secret/data/app', { token }), 'data', 'data', 'a'),
        'b',
      );
    }
  });
}

/** Of an audit file in the test. */
const ROTATE_BYTES = 2000;

test('full audit files are put aside, packed and in the end removed; what is left is one chain', async (t) => {
  const pod = await started(t, MANIFESTS.single);
  const folder = join(pod.root, 'var/log/strongroom');
  const rotation = containerOf(MANIFESTS.single, 'audit-rotation');
  // `date` says another second each time it is asked.
  const programs = folderOf(t);
  writeFileSync(
    join(programs, 'date'),
    `#!/bin/sh\nn=$(cat ${programs}/n 2>/dev/null || echo 0)\necho $((n + 1)) > ${programs}/n\nprintf '20260101T%06dZ\\n' $n\n`,
  );
  chmodSync(join(programs, 'date'), 0o755);
  const [script = ''] = rotation.args ?? [];
  const [shell = '', ...flags] = rotation.command ?? [];
  const sidecar = spawn(shell, [...flags, script.replace('/var/log', `${pod.root}/var/log`)], {
    env: {
      PATH: `${programs}:${process.env['PATH']}`,
      CHECK_SECONDS: '0.05',
      ROTATE_BYTES: String(ROTATE_BYTES),
      KEEP_FILES: '3',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.after(() => sidecar.kill());
  const aside = (): string[] =>
    readdirSync(folder).filter((name) => name.startsWith('audit.log.2'));
  const seen = new Set<string>();
  await until(async () => {
    for (let index = 0; index < 20; index += 1) await pod.api.call('GET', 'sys/mounts');
    for (const name of aside()) seen.add(name);
    return seen.size >= 6;
  });
  // Packing comes before putting aside: it is stopped when nothing is full any more, not between the two.
  const current = join(folder, 'audit.log');
  await until(async () => {
    const bytes = statSync(current, { throwIfNoEntry: false })?.size ?? 0;
    return bytes < ROTATE_BYTES && aside().sort().at(-1)?.endsWith('.gz') === false;
  });
  sidecar.kill();
  await once(sidecar, 'exit');
  const kept = aside().sort();
  assert.ok(kept.length <= 4, kept.join(' '));
  const newest = kept.at(-1) ?? '';
  assert.doesNotMatch(newest, /\.gz$/);
  assert.match(kept[0] ?? '', /\.gz$/);
  // That the file was moved is noticed a quarter of a second after the last look at the earliest: until then records go on in it.
  await until(async () => {
    await pod.api.call('GET', 'sys/mounts');
    return existsSync(current);
  });
  const result = await verifyAuditFiles([join(folder, newest), current]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
});
