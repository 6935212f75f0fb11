/** The table of a bench run, with the ratios that matter: to OpenBao, to the bare runtime, and of the clouds' APIs to emulators. */
import { CLOUD_SCENARIOS } from './scenarios.ts';
import type { ScenarioReport, TargetReport } from './turns.ts';

function column(cells: readonly string[], width: number): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(28) : cell.padStart(width)))
    .join('');
}

function ratio(mine: number | undefined, other: number | undefined): string {
  return mine === undefined || other === undefined || other === 0 || Number.isNaN(mine / other)
    ? ''
    : `${(mine / other).toFixed(2)}×`;
}

function shown(value: number | undefined, unit: string): string {
  return value === undefined ? '' : `${value.toFixed(value < 10 && unit === 'ms' ? 2 : 0)} ${unit}`;
}

export function renderReport(reports: readonly TargetReport[]): string {
  const own = reports.find((report) => report.name === 'strongroom');
  const bao = reports.find((report) => report.name === 'openbao');
  const hello = reports.find((report) => report.name === 'hello')?.scenarios ?? {};
  const names = reports.map((report) => report.name);
  const titles = [...new Set(reports.flatMap((report) => Object.keys(report.scenarios)))].filter(
    (title) => title !== 'hello',
  );
  const lines = [column(['', ...names, 'to openbao', 'to bare'], 14)];
  for (const title of titles) {
    // What the bare server did of this kind, else its answer to anything.
    const bare = hello[title] ?? hello['hello'];
    const floor = bare?.perSecond;
    const of = (report: TargetReport): ScenarioReport | undefined =>
      report.name === 'hello' ? bare : report.scenarios[title];
    const cells = reports.map((report) => shown(of(report)?.perSecond, '/s'));
    const mine = own?.scenarios[title]?.perSecond;
    lines.push(
      column(
        [title, ...cells, ratio(mine, bao?.scenarios[title]?.perSecond), ratio(mine, floor)],
        14,
      ),
    );
    const p99 = reports.map((report) => shown(of(report)?.p99Ms, 'ms'));
    const cpu = reports.map((report) => shown(of(report)?.cpuUs, 'µs'));
    const ownCpu = own?.scenarios[title]?.cpuUs;
    lines.push(
      column(['  p99', ...p99], 14),
      column(['  processor', ...cpu, ratio(bao?.scenarios[title]?.cpuUs, ownCpu)], 14),
    );
  }
  lines.push(
    column(
      [
        'resident',
        ...reports.map((report) => shown(report.residentMib, 'MiB')),
        ratio(own?.residentMib, bao?.residentMib),
      ],
      14,
    ),
    column(
      [
        'peak',
        ...reports.map((report) => shown(report.peakMib, 'MiB')),
        ratio(own?.peakMib, bao?.peakMib),
      ],
      14,
    ),
    column(
      ['first answer after start', ...reports.map((report) => shown(report.firstAnswerMs, 'ms'))],
      14,
    ),
    column(['ready after start', ...reports.map((report) => shown(report.readyMs, 'ms'))], 14),
  );
  return [...lines, ...cloudLines(reports)].join('\n');
}

/** Each read by another API beside the Vault read of the same server, and beside an emulator of that cloud. */
function cloudLines(reports: readonly TargetReport[]): readonly string[] {
  const own = reports.find((report) => report.name === 'strongroom')?.scenarios ?? {};
  const read = own['kv read'];
  const lines: string[] = [];
  for (const title of CLOUD_SCENARIOS) {
    const mine = own[title];
    if (mine === undefined) continue;
    const emulator = reports.find(
      (report) => report.name.endsWith(' emulator') && report.scenarios[title] !== undefined,
    )?.scenarios[title];
    lines.push(
      column(
        [title, ratio(mine.perSecond, read?.perSecond), ratio(mine.perSecond, emulator?.perSecond)],
        14,
      ),
      column(
        ['  processor', ratio(mine.cpuUs, read?.cpuUs), ratio(emulator?.cpuUs, mine.cpuUs)],
        14,
      ),
    );
  }
  if (lines.length === 0) return [];
  return ['', column(['', 'of kv read', 'of emulator'], 14), ...lines];
}
