/** What a facade wants done with what the path of its call names, in place of what the path does for a Vault client. */
import type { CertificateTask } from './certificate-task.ts';
import type { KeyTask } from './key-task.ts';
import type { SecretTask } from './secret-task.ts';

/** Whoever keeps the thing runs the member that is about it, and refuses a task without one. */
export type Task = SecretTask & KeyTask & CertificateTask;
