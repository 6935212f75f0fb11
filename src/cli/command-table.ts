/** Every command, as data. Help, usage errors, suggestions and completion derive from these rows. */
import type { CommandRow } from './command.ts';
import { ACCESS_COMMANDS } from './table/access.ts';
import { AGENT_COMMANDS } from './table/agent.ts';
import { DATA_COMMANDS } from './table/data.ts';
import { DYNAMIC_COMMANDS } from './table/dynamic.ts';
import { DUTY_COMMANDS } from './table/duties.ts';
import { IMPORT_COMMANDS } from './table/import.ts';
import { KV_COMMANDS } from './table/kv.ts';
import { LOCAL_COMMANDS } from './table/local.ts';
import { MOUNT_COMMANDS } from './table/mounts.ts';
import { NAMESPACE_COMMANDS } from './table/namespace.ts';
import { OPERATOR_COMMANDS } from './table/operator.ts';
import { OTHER_OPERATOR_COMMANDS } from './table/operator-others.ts';
import { PKI_COMMANDS } from './table/pki.ts';
import { PLUGIN_COMMANDS } from './table/plugin.ts';
import { SNAPSHOT_COMMANDS } from './table/snapshots.ts';
import { SSH_COMMANDS } from './table/ssh.ts';
import { TRANSIT_COMMANDS } from './table/transit.ts';

export const COMMANDS: readonly CommandRow[] = [
  ...DATA_COMMANDS,
  ...KV_COMMANDS,
  ...IMPORT_COMMANDS,
  ...ACCESS_COMMANDS,
  ...DUTY_COMMANDS,
  ...MOUNT_COMMANDS,
  ...OPERATOR_COMMANDS,
  ...OTHER_OPERATOR_COMMANDS,
  ...SNAPSHOT_COMMANDS,
  ...NAMESPACE_COMMANDS,
  ...PKI_COMMANDS,
  ...SSH_COMMANDS,
  ...PLUGIN_COMMANDS,
  ...TRANSIT_COMMANDS,
  ...DYNAMIC_COMMANDS,
  ...AGENT_COMMANDS,
  ...LOCAL_COMMANDS,
];
