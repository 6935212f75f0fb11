/** `sys/audit` and `sys/audit-hash`: the audit devices, and the hashes that stand for values in their logs. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import { deleteAuditDevice, putAuditDevice } from './audit-records.ts';
import type { AuditDeviceRecord } from './audit-records.ts';
import type { Reply } from '../model/reply.ts';

/** What a listing shows of a device. */
export interface ShownAuditDevice extends Omit<AuditDeviceRecord, 'salt'> {
  /** From the configuration file; not to be changed through the API. */
  readonly declared: boolean;
}

export interface AuditLogAnchor {
  readonly path: string;
  /** Base64 of an Ed25519 key. */
  readonly publicKey: string;
  readonly checkpoint: { readonly seq: number; readonly hash: string } | undefined;
}

export interface AuditPorts {
  /** `unsafe_allow_api_audit_creation` of the configuration. */
  readonly creationAllowed: boolean;
  /** Devices in service, secrets in their options masked. */
  list(): readonly ShownAuditDevice[];
  /** Checks a device and takes it into service; nothing happens when just this device is there. @throws {RequestError} */
  enable(device: AuditDeviceRecord): Promise<void>;
  disable(path: string): Promise<boolean>;
  /** What vouches for the logs: the signing keys, and the newest checkpoints. */
  anchors(): readonly AuditLogAnchor[];
  /** @throws {RequestError} when there is no such device. */
  hash(path: string, text: string): string;
}

const path = {
  kind: 'string',
  default: '',
  description: 'Path of the audit device.',
} as const;

const deviceFields = {
  path,
  type: {
    kind: 'string',
    default: '',
    description: 'Kind of the device: file, socket, syslog or http.',
  },
  description: { kind: 'string', default: '', description: 'What the device is for.' },
  options: { kind: 'string_map', description: 'Options of the device.' },
  local: {
    kind: 'bool',
    default: false,
    description: 'Kept for compatibility; every device is local.',
  },
} as const;

interface DeviceFields {
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>> | undefined;
  readonly local: boolean;
}

/** Device paths end in one slash. */
function devicePath(text: string): string {
  const name = text.replace(/^\//, '').replace(/\/$/, '');
  if (name === '') throw invalidRequest('the path of the audit device is missing');
  return `${name}/`;
}

function list(ports: AuditPorts): Reply {
  const devices: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const device of ports.list()) {
    const { type, description, options, local } = device;
    devices[device.path] = { path: device.path, type, description, options, local };
  }
  return { data: devices, injectTopLevel: true };
}

async function enable(
  ports: AuditPorts,
  request: Request<DeviceFields>,
  unit: Unit,
): Promise<undefined> {
  if (!ports.creationAllowed) {
    throw invalidRequest(
      'audit devices are declared in the configuration file and cannot be enabled through the API',
    );
  }
  const { fields } = request;
  const device: AuditDeviceRecord = {
    path: devicePath(fields.path),
    type: fields.type,
    description: fields.description,
    options: fields.options ?? {},
    local: fields.local,
    // Unique, and the same when the handler runs again after a conflict.
    salt: request.id,
  };
  await ports.enable(device);
  putAuditDevice(unit, device);
}

async function disable(
  ports: AuditPorts,
  request: Request<Pick<DeviceFields, 'path'>>,
  unit: Unit,
): Promise<undefined> {
  const wanted = devicePath(request.fields.path);
  const device = ports.list().find((candidate) => candidate.path === wanted);
  if (device?.declared === true) {
    throw invalidRequest(
      'the audit device is declared in the configuration file and stays enabled',
    );
  }
  deleteAuditDevice(unit, wanted);
  await ports.disable(wanted);
}

function hash(
  ports: AuditPorts,
  request: Request<{ readonly path: string; readonly input: string }>,
): Reply {
  const { input } = request.fields;
  if (input === '') throw invalidRequest('the "input" parameter is empty');
  return {
    data: { hash: ports.hash(devicePath(request.fields.path), input) },
    injectTopLevel: true,
  };
}

function checkpoints(ports: AuditPorts): Reply {
  const devices: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const { path: devicePathName, publicKey, checkpoint } of ports.anchors()) {
    devices[devicePathName] = {
      public_key: publicKey,
      seq: checkpoint?.seq ?? 0,
      sha256: checkpoint?.hash ?? '',
    };
  }
  return { data: devices };
}

export function auditPaths(ports: AuditPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'audit',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      operations: { read: { summary: 'List the audit devices.', handler: () => list(ports) } },
      help: { synopsis: 'Audit devices in service.' },
    }),
    defineSystemPath({
      pattern: 'audit/{path..+}',
      fields: deviceFields,
      sudo: true,
      rootNamespaceOnly: true,
      operations: {
        update: {
          summary: 'Enable an audit device.',
          outsideEffects: true,
          handler: (request, unit) => enable(ports, request, unit),
        },
        delete: {
          summary: 'Disable an audit device.',
          outsideEffects: true,
          handler: (request, unit) => disable(ports, request, unit),
        },
      },
      help: {
        synopsis: 'Enable or disable an audit device.',
        description:
          'Devices are declared in the configuration file. Enabling them here needs unsafe_allow_api_audit_creation, since whoever may do it can write files.',
      },
    }),
    defineSystemPath({
      pattern: 'audit-checkpoints',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      operations: {
        read: {
          summary: 'Show what vouches for the audit logs.',
          handler: () => checkpoints(ports),
        },
      },
      help: {
        synopsis: 'The key that signs each audit log, and the newest checkpoint.',
        description:
          'Kept elsewhere, they prove to anybody that a log is whole: the key is named to the verifier, and the log must contain a line with this number and hash.',
      },
    }),
    defineSystemPath({
      pattern: 'audit-hash/{path..+}',
      fields: { path, input: { kind: 'string', default: '', description: 'Text to hash.' } },
      rootNamespaceOnly: true,
      operations: {
        update: {
          summary: 'Hash a text as an audit device does.',
          handler: (request) => hash(ports, request),
        },
      },
      help: { synopsis: 'The hash that stands for a text in the log of an audit device.' },
    }),
  ];
}
