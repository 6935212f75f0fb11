/** The formats of audit records beside the native one, for devices and for the command line. */
import { EXPORTERS } from '../audit/export/exporters.ts';
import type { Exporters } from '../audit/exporting.ts';

export const AUDIT_FORMATS: Exporters = EXPORTERS;
