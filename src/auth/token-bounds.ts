/** What a role's token settings may be beside the bounds of its mount. */
import { formatGoDuration } from '../base/duration.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Stored } from '../model/transaction.ts';
import type { TokenSettings } from './token-fields.ts';

const goText = (seconds: number): string => formatGoDuration(seconds * 1000);

/** @throws {RequestError} when tokens could be renewed for longer at once than the mount allows */
export function checkPeriod(
  { token_period: period }: Stored<TokenSettings>,
  request: Pick<Request, 'mount'>,
): void {
  const max = request.mount.maxLeaseTtlSeconds;
  if (period > max) {
    throw invalidRequest(
      `'period' of '"${goText(period)}"' is greater than the backend's maximum lease TTL of '"${goText(max)}"'`,
    );
  }
}

export function longLifeWarnings(
  { token_max_ttl: max }: Stored<TokenSettings>,
  request: Pick<Request, 'mount'>,
): readonly string[] {
  return max > request.mount.maxLeaseTtlSeconds
    ? [
        "token max ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
      ]
    : [];
}
