/** What is stored of audit devices: those that were enabled through the API. */
import type { Stored, Transaction, Unit } from '../model/transaction.ts';

export interface AuditDeviceRecord {
  /** With a trailing slash: `file/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
  /** Random text that the device's hashing key is derived with. */
  readonly salt: string;
}

/** Most devices that can be stored. */
const DEVICES_MAX = 16;
const PREFIX = 'core/audit/';
const DEVICES = 'devices/';
/** Below which, in the root namespace, they lie. */
export const AUDIT_DEVICES_PREFIX: string = PREFIX + DEVICES;

function viewOf(unit: Unit): Transaction {
  return unit.view('root', PREFIX);
}

/** One key per device; slashes in its path would make folders. */
function keyOf(path: string): string {
  return DEVICES + Buffer.from(path).toString('base64url');
}

/** Devices that were enabled through the API, for the audit broker at unsealing. */
export async function storedAuditDevices(
  unit: Unit,
): Promise<readonly Stored<AuditDeviceRecord>[]> {
  const view = viewOf(unit);
  const names = await view.list(DEVICES, { limit: DEVICES_MAX });
  const records = await view.getRecords<AuditDeviceRecord>(names.map((name) => DEVICES + name));
  return records.filter((record) => record !== undefined);
}

export function putAuditDevice(unit: Unit, device: AuditDeviceRecord): void {
  viewOf(unit).putJson(keyOf(device.path), device);
}

export function deleteAuditDevice(unit: Unit, path: string): void {
  viewOf(unit).delete(keyOf(path));
}
