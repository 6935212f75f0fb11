/** When a call is repeated: a replica that has not caught up (412), a server in trouble (5xx), a caller told to wait (429). */

/** Longest wait between two tries, whatever the server asks for. */
export const RETRY_WAIT_MS_MAX = 60_000;
const FIRST_WAIT_MS = 1_000;
const NEXT_WAIT_MS_MAX = 1_500;

/** Whether the same call may do better later. 501 (not initialised, not implemented) will not change by itself. */
export function mayRetry(status: number): boolean {
  return status === 412 || status === 429 || (status >= 500 && status !== 501);
}

/** How long to wait before try number `attempt` (1 is the first repetition). */
export function waitBeforeRetryMs(attempt: number, retryAfter: string | undefined): number {
  if (retryAfter !== undefined) {
    const seconds = Number(retryAfter);
    if (Number.isFinite(seconds) && seconds >= 0)
      return Math.min(seconds * 1_000, RETRY_WAIT_MS_MAX);
  }
  return Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), NEXT_WAIT_MS_MAX);
}
