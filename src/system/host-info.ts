/** `sys/host-info`: the machine that this server runs on, in the shape that Vault's tools expect. */
import { readFileSync, statfsSync } from 'node:fs';
import {
  arch,
  cpus,
  freemem,
  hostname,
  machine,
  platform,
  release,
  totalmem,
  uptime,
} from 'node:os';
import type { CpuInfo } from 'node:os';
import type { Clock } from '../base/clock.ts';
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import type { Unit } from '../model/transaction.ts';

/** Names of the answer, and of Linux' /proc/meminfo. Elsewhere they are 0. */
const MEMORY: readonly (readonly [string, string])[] = [
  ['active', 'Active'],
  ['inactive', 'Inactive'],
  ['wired', ''],
  ['laundry', ''],
  ['buffers', 'Buffers'],
  ['cached', 'Cached'],
  ['writeback', 'Writeback'],
  ['dirty', 'Dirty'],
  ['writebacktmp', 'WritebackTmp'],
  ['shared', 'Shmem'],
  ['slab', 'Slab'],
  ['sreclaimable', 'SReclaimable'],
  ['sunreclaim', 'SUnreclaim'],
  ['pagetables', 'PageTables'],
  ['swapcached', 'SwapCached'],
  ['commitlimit', 'CommitLimit'],
  ['committedas', 'Committed_AS'],
  ['hightotal', 'HighTotal'],
  ['highfree', 'HighFree'],
  ['lowtotal', 'LowTotal'],
  ['lowfree', 'LowFree'],
  ['swaptotal', 'SwapTotal'],
  ['swapfree', 'SwapFree'],
  ['mapped', 'Mapped'],
  ['vmalloctotal', 'VmallocTotal'],
  ['vmallocused', 'VmallocUsed'],
  ['vmallocchunk', 'VmallocChunk'],
  ['hugepagestotal', 'HugePages_Total'],
  ['hugepagesfree', 'HugePages_Free'],
  ['hugepagesize', 'Hugepagesize'],
];

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function memory(): Record<string, number> {
  const bytes = new Map<string, number>();
  for (const line of readText('/proc/meminfo').split('\n')) {
    const match = /^(\w+):\s+(\d+)( kB)?$/.exec(line);
    if (match !== null)
      bytes.set(match[1] ?? '', Number(match[2]) * (match[3] === undefined ? 1 : 1024));
  }
  const total = totalmem();
  const available = bytes.get('MemAvailable') ?? freemem();
  const used = total - available;
  return {
    total,
    available,
    used,
    usedPercent: (used / total) * 100,
    free: bytes.get('MemFree') ?? freemem(),
    ...Object.fromEntries(MEMORY.map(([name, source]) => [name, bytes.get(source) ?? 0])),
  };
}

function disks(): Record<string, unknown>[] {
  const path = '/';
  try {
    const { type, bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path);
    const used = (blocks - bfree) * bsize;
    const free = bavail * bsize;
    const inodesUsed = files - ffree;
    return [
      {
        path,
        fstype: `0x${type.toString(16)}`,
        total: blocks * bsize,
        free,
        used,
        usedPercent: used + free === 0 ? 0 : (used / (used + free)) * 100,
        inodesTotal: files,
        inodesUsed,
        inodesFree: ffree,
        inodesUsedPercent: files === 0 ? 0 : (inodesUsed / files) * 100,
      },
    ];
  } catch {
    return [];
  }
}

function cpu({ model, speed }: CpuInfo, index: number): Record<string, unknown> {
  return {
    cpu: index,
    vendorId: '',
    family: '',
    model: '',
    stepping: 0,
    physicalId: '',
    coreId: String(index),
    cores: 1,
    modelName: model,
    mhz: speed,
    cacheSize: 0,
    flags: [],
    microcode: '',
  };
}

const MS_PER_SECOND = 1000;

function cpuTimes({ times }: CpuInfo, index: number): Record<string, unknown> {
  return {
    cpu: `cpu${index}`,
    user: times.user / MS_PER_SECOND,
    system: times.sys / MS_PER_SECOND,
    idle: times.idle / MS_PER_SECOND,
    nice: times.nice / MS_PER_SECOND,
    iowait: 0,
    irq: times.irq / MS_PER_SECOND,
    softirq: 0,
    steal: 0,
    guest: 0,
    guestNice: 0,
  };
}

function host(nowMs: number): Record<string, unknown> {
  const osRelease = new Map(
    readText('/etc/os-release')
      .split('\n')
      .map((line) => {
        const equals = line.indexOf('=');
        return [
          line.slice(0, Math.max(0, equals)),
          line.slice(equals + 1).replaceAll('"', ''),
        ] as const;
      }),
  );
  const upSeconds = Math.floor(uptime());
  return {
    hostname: hostname(),
    uptime: upSeconds,
    bootTime: Math.floor(nowMs / MS_PER_SECOND) - upSeconds,
    procs: Number(/\d+\/(\d+)/.exec(readText('/proc/loadavg'))?.[1] ?? 0),
    os: platform(),
    platform: osRelease.get('ID') ?? platform(),
    platformFamily: osRelease.get('ID_LIKE') ?? osRelease.get('ID') ?? '',
    platformVersion: osRelease.get('VERSION_ID') ?? '',
    kernelVersion: release(),
    kernelArch: machine() || arch(),
    virtualizationSystem: '',
    virtualizationRole: '',
    hostid: '',
  };
}

export function hostInfoPaths(ports: { readonly clock: Clock }): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'host-info[/]',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'Processors, memory, disk and system of this server’s machine.' },
      operations: {
        read: {
          summary: 'Read about the machine',
          handler: () => {
            const nowMs = ports.clock.nowMs();
            return {
              data: {
                cpu: cpus().map(cpu),
                cpu_times: cpus().map(cpuTimes),
                disk: disks(),
                host: host(nowMs),
                memory: memory(),
                timestamp: formatTime(nowMs),
              },
            };
          },
        },
      },
    }),
  ];
}
