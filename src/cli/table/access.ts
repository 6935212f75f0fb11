/** stub */
import type { CommandRow } from '../command.ts';
export const ACCESS_COMMANDS: readonly CommandRow[] = [];
