/** Counts and times every call at the door of the core, whatever its protocol. */
import type { Clock } from '../base/clock.ts';
import type { MetricsRegistry } from '../base/metrics/metrics.ts';
import type { Answer, Call, Handle } from './call.ts';

/** Secrets that are counted by path; beyond, they share one series. */
export const SECRET_PATHS_MAX = 10_000;

const LOGIN = /^auth\/(?:[^/]+\/)+login(?:\/|$)/;
/** First segments of paths that hold no secrets of an engine. */
const NO_SECRETS = /^(?:sys|auth|identity|cubbyhole)(?:\/|$)/;

/** A door that measures what goes through `handle`. */
export function measured(handle: Handle, registry: MetricsRegistry, clock: Clock): Handle {
  const requests = registry
    .summary('core.handle_request', { help: 'Time to answer a request, in milliseconds.' })
    .of();
  const logins = registry
    .summary('core.handle_login_request', { help: 'Time to answer a login, in milliseconds.' })
    .of();
  const outcomes = registry.counter('core.request.count', {
    help: 'Requests by protocol, operation and outcome.',
    labels: ['protocol', 'operation', 'outcome'],
  });
  const secrets = registry.counter('secret.access.count', {
    help: 'Secrets that were read, by namespace and path.',
    labels: ['namespace', 'path'],
    seriesMax: SECRET_PATHS_MAX,
  });
  function measure(call: Call, startMs: number, answer: Answer): Answer {
    const tookMs = clock.monotonicMs() - startMs;
    (LOGIN.test(call.path) ? logins : requests).observe(tookMs);
    const outcome = answer.error === undefined ? 'ok' : answer.error.code;
    outcomes.of(call.protocol, call.operation, outcome).add();
    const found = answer.error === undefined && answer.reply?.data !== undefined;
    if (found && call.operation === 'read' && !NO_SECRETS.test(call.path)) {
      const namespace = answer.namespacePath === '' ? 'root' : answer.namespacePath;
      secrets.of(namespace, call.path).add();
    }
    return answer;
  }
  return function handleMeasured(call: Call): Promise<Answer> {
    const startMs = clock.monotonicMs();
    return handle(call).then((answer) => measure(call, startMs, answer));
  };
}
