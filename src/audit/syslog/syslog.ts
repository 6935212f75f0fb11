/**
 * Audit device `syslog`: RFC 5424 messages, a datagram each over UDP (RFC 5426), octet-counted over TCP, TLS (RFC 5425) and
 * Unix stream sockets (RFC 6587 §3.4.1); or the daemon of this machine, in the local form that it expects.
 */
import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';

import type { Clock } from '../../base/clock.ts';
import { invalidRequest } from '../../model/errors.ts';
import {
  CONNECTION_OPTIONS,
  WRITE_TIMEOUT_MS,
  linesOf,
  openConnection,
  parseDestination,
} from '../connection.ts';
import type { Connection } from '../connection.ts';
import { optionOf, parseDurationMs } from '../device.ts';
import type { AuditDevice, AuditDeviceType, DeviceContext, DeviceOptions } from '../device.ts';
import { LOCAL_SOCKET_DEFAULT, LocalSyslogDevice } from './local.ts';

/** RFC 5424 §6.2.1, table 1; the names are those of syslog(3). */
const FACILITIES: ReadonlyMap<string, number> = new Map(
  (
    'KERN USER MAIL DAEMON AUTH SYSLOG LPR NEWS UUCP CRON AUTHPRIV FTP NTP AUDIT ALERT CLOCK ' +
    'LOCAL0 LOCAL1 LOCAL2 LOCAL3 LOCAL4 LOCAL5 LOCAL6 LOCAL7'
  )
    .split(' ')
    .map((name, number) => [name, number]),
);
const SEVERITY_INFORMATIONAL = 6;
const FACILITY_DEFAULT = 'AUTH';
const TAG_DEFAULT = 'strongroom';
const ADDRESS_DEFAULT = '127.0.0.1:514';
/** APP-NAME: 1 to 48 printable characters (RFC 5424 §6). */
const TAG = /^[!-~]{1,48}$/;

export const syslogDevice: AuditDeviceType = {
  type: 'syslog',
  summary: 'Sends records to a syslog server (RFC 5424).',
  options: {
    ...CONNECTION_OPTIONS,
    socket_type: 'How: "tcp", "tls", "unix", "udp" (default), or "local" for /dev/log.',
    facility: 'Facility of the messages, e.g. AUTH (default) or LOCAL0.',
    tag: 'Name of the program in the messages (default strongroom).',
  },
  open(options, context) {
    const facilityName = (optionOf(options, 'facility') ?? FACILITY_DEFAULT).toUpperCase();
    const facility = FACILITIES.get(facilityName);
    if (facility === undefined) throw invalidRequest('option "facility" names no syslog facility');
    const tag = optionOf(options, 'tag') ?? TAG_DEFAULT;
    if (!TAG.test(tag)) throw invalidRequest('option "tag" must be 1 to 48 printable characters');
    if (optionOf(options, 'socket_type') === 'local') {
      return Promise.resolve(openLocal(options, context, facilityName, tag));
    }
    const destination = parseDestination(options, { transport: 'udp', address: ADDRESS_DEFAULT });
    return Promise.resolve(
      new SyslogDevice({
        connection: openConnection(destination, context.clock),
        datagrams: destination.transport === 'udp',
        clock: context.clock,
        priority: facility * 8 + SEVERITY_INFORMATIONAL,
        tag,
      }),
    );
  },
};

/** Facilities that syslog(3) has no name for, so that a local daemon cannot be told of them. */
const NAMELESS: ReadonlySet<string> = new Set(['NTP', 'AUDIT', 'ALERT', 'CLOCK', 'KERN']);

function openLocal(
  options: DeviceOptions,
  context: DeviceContext,
  facility: string,
  tag: string,
): AuditDevice {
  if (NAMELESS.has(facility)) {
    throw invalidRequest('option "facility" names no facility of the local syslog');
  }
  const socketPath = optionOf(options, 'address') ?? LOCAL_SOCKET_DEFAULT;
  if (!isAbsolute(socketPath)) {
    throw invalidRequest('option "address" must be the absolute path of a socket');
  }
  return new LocalSyslogDevice({
    socketPath,
    priority: `${facility.toLowerCase()}.info`,
    tag,
    timeoutMs: parseDurationMs(options, 'write_timeout', WRITE_TIMEOUT_MS),
    clock: context.clock,
  });
}

interface SyslogSettings {
  readonly connection: Connection;
  readonly datagrams: boolean;
  readonly clock: Clock;
  readonly priority: number;
  readonly tag: string;
}

class SyslogDevice implements AuditDevice {
  readonly #settings: SyslogSettings;
  readonly #host: string;

  constructor(settings: SyslogSettings) {
    this.#settings = settings;
    // HOSTNAME: printable, at most 255 (RFC 5424 §6); NILVALUE without one.
    this.#host =
      hostname()
        .replaceAll(/[^!-~]/g, '')
        .slice(0, 255) || '-';
  }

  async append(lines: Buffer): Promise<void> {
    const { connection, datagrams } = this.#settings;
    const head = this.#head();
    const frames: Buffer[] = [];
    for (const line of linesOf(lines)) {
      const length = head.length + line.length;
      if (datagrams) await connection.send(Buffer.concat([head, line], length));
      else frames.push(Buffer.from(`${length} `), head, Buffer.from(line));
    }
    if (frames.length > 0) await connection.send(Buffer.concat(frames));
  }

  reopen(): Promise<void> {
    return this.#settings.connection.close();
  }

  close(): Promise<void> {
    return this.#settings.connection.close();
  }

  /** `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA`, and a space. */
  #head(): Buffer {
    const { clock, priority, tag } = this.#settings;
    const time = new Date(clock.nowMs()).toISOString();
    return Buffer.from(`<${priority}>1 ${time} ${this.#host} ${tag} ${process.pid} audit - `);
  }
}
