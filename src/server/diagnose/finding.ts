/** What was found at one place. */

export type Grade = 'ok' | 'warning' | 'failure';

/** What was found at one place. The text repeats no secret. */
export interface Finding {
  readonly about: string;
  readonly grade: Grade;
  readonly text: string;
}
