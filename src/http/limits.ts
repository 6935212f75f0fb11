/** Every limit of the listener, with its name and its default. */

export interface ListenerLimits {
  /** Time to receive the headers of a request (`http_read_header_timeout`). */
  readonly headerTimeoutMs: number;
  /** Time to receive a whole request (`http_read_timeout`). */
  readonly readTimeoutMs: number;
  /** Time to send a reply; 0 = no limit (`http_write_timeout`). */
  readonly writeTimeoutMs: number;
  /** How long a kept-alive connection may wait for its next request (`http_idle_timeout`). */
  readonly idleTimeoutMs: number;
  /** Time from the headers of a request to its reply (`max_request_duration`); then its signal fires and it gets a 503. */
  readonly requestDurationMs: number;
  /** Bytes of request line and headers together. */
  readonly headerBytesMax: number;
  readonly headersMax: number;
  readonly requestsPerConnectionMax: number;
  readonly connectionsMax: number;
  /** Requests of one connection that wait for their reply; then nothing more is read from it. */
  readonly pipelinedMax: number;
  /** Time for a TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** How much of an unread body is read and thrown away before the reply, and for how long. */
  readonly drainBytesMax: number;
  readonly drainTimeoutMs: number;
  /** How often running requests are looked at for the limits above. */
  readonly sweepIntervalMs: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  headerTimeoutMs: 10_000,
  readTimeoutMs: 30_000,
  writeTimeoutMs: 0,
  idleTimeoutMs: 300_000,
  requestDurationMs: 90_000,
  headerBytesMax: 32 * 1024,
  headersMax: 200,
  requestsPerConnectionMax: 10_000,
  connectionsMax: 10_000,
  pipelinedMax: 32,
  handshakeTimeoutMs: 10_000,
  drainBytesMax: 64 * 1024 * 1024,
  drainTimeoutMs: 5_000,
  sweepIntervalMs: 1_000,
};
