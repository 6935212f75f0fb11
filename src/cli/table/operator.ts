/** stub */
import type { CommandRow } from '../command.ts';
export const OPERATOR_COMMANDS: readonly CommandRow[] = [];
