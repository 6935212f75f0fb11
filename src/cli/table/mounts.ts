/** stub */
import type { CommandRow } from '../command.ts';
export const MOUNT_COMMANDS: readonly CommandRow[] = [];
