/** audit verify: checks audit log files for gaps, changes and forged checkpoints, away from any server. */
import type { JsonObject, JsonValue } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { formatColumns, wrapText } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';
import type { Verification } from '../../../audit/verify.ts';
import { complainInRed } from '../../terminal.ts';

export async function auditVerify(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const { verifyAuditFiles } = await import('../../../audit/verify.ts');
  const publicKeys = flags.list('key');
  const call = verifyAuditFiles(args, {
    allowRestarts: flags.boolean('allow-restarts'),
    ...(publicKeys.length > 0 && { publicKeys }),
    ...(flags.isSet('expect') && { expected: readPosition(flags.text('expect')) }),
  });
  const result = await attempt('Error reading audit log', readable(call), EXIT_LOCAL);
  if (invocation.format === 'table') printTable(invocation, result);
  else await printDocument(invocation, asJson(result));
  return result.ok ? EXIT_OK : EXIT_SERVER;
}

async function readable(call: Promise<Verification>): Promise<Verification> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' && 'path' in cause) {
      throw new CommandFailure(
        EXIT_LOCAL,
        `Error reading audit log: no such file: ${String(cause.path)}`,
      );
    }
    throw cause;
  }
}

function printTable(invocation: Invocation, result: Verification): void {
  const trusted = result.keys.filter((key) => key.trusted).length;
  const rows = [
    ['Records', String(result.records)],
    ['Checkpoints', String(result.checkpoints)],
    ['Records After The Last Checkpoint', String(result.unsignedRecords)],
    ['Recovered Crashes', String(result.recoveries)],
    ['Records Lost By The Device', String(result.dropped)],
    ['Trusted Keys', `${trusted} of ${result.keys.length}`],
    ...(result.last === undefined ? [] : [['Last Line', `${result.last.seq}:${result.last.hash}`]]),
  ];
  say(invocation, formatColumns(rows));
  for (const key of result.keys) {
    const trust = key.trusted ? 'trusted' : 'not trusted';
    say(
      invocation,
      `\nKey ${key.publicKey}\n    ${key.role}, ${key.checkpoints} checkpoints, ${trust}`,
    );
  }
  for (const { line, time, file } of result.setBacks) {
    const place = file === '' ? `line ${line}` : `line ${line} of ${file}`;
    say(
      invocation,
      wrapText(`\nThe store was put back to an older state before ${time} (${place}).`),
    );
  }
  if (result.ok) {
    say(invocation, `\nSuccess! No record was changed, moved or taken out from between others.`);
    for (const limit of limits(invocation, trusted)) say(invocation, wrapText(limit));
    return;
  }
  const fault = result.firstFault === undefined ? '' : describe(asJson(result.firstFault));
  complainInRed(invocation.terminal, `\nThe audit log is NOT intact.${fault}`);
}

/** What the check cannot know, so that nobody takes it for more than it is. */
function limits(invocation: Invocation, trustedKeys: number): string[] {
  const { flags } = invocation;
  const told: string[] = [];
  if (trustedKeys === 0) {
    told.push(
      'The log vouches for itself only: give its public key, kept elsewhere, with -key to rule out another log in its place.',
    );
  }
  if (!flags.isSet('expect')) {
    told.push(
      'Records missing at the end go unnoticed: give a last line of an earlier check, kept elsewhere, with -expect.',
    );
  }
  return told;
}

/** `SEQ:HASH`, as a check prints its last line. */
function readPosition(text: string): { readonly seq: number; readonly hash: string } {
  const parts = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (parts === null)
    throw new CommandFailure(EXIT_LOCAL, '-expect wants SEQ:HASH, as "Last Line" shows it');
  return { seq: Number(parts[1]), hash: parts[2] ?? '' };
}

function describe(fault: JsonObject): string {
  const facts = Object.entries(fault).map(([key, value]) => `\n    ${key}: ${plainText(value)}`);
  return ` First fault:${facts.join('')}`;
}

function asJson(value: object): JsonObject {
  return JSON.parse(
    JSON.stringify(value, (_key, item: JsonValue | undefined) => item ?? null),
  ) as JsonObject;
}
