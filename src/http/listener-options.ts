/** What a listener is made of. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Facade } from '../facades/facade.ts';
import type { ForwardedForOptions } from './forwarded-for.ts';
import type { InFlightRegistry } from './in-flight.ts';
import type { ListenerLimits } from './limits.ts';
import type { CustomResponseHeaders } from './response-headers.ts';
import type { TlsSettings } from './tls.ts';
import type { SocketPlace } from './unix-socket.ts';

export interface HostPort {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface ListenerOptions {
  readonly place: HostPort | SocketPlace;
  readonly facade: Facade;
  readonly clock: Clock;
  readonly log: Log;
  readonly inFlight: InFlightRegistry;
  /** Without it the listener speaks plain HTTP. */
  readonly tls?: TlsSettings;
  readonly limits?: Partial<ListenerLimits>;
  /** Without it `X-Forwarded-For` is believed from nobody. */
  readonly forwardedFor?: ForwardedForOptions;
  readonly customHeaders?: CustomResponseHeaders;
  /** Named in every reply (`X-Vault-Hostname`) when given. */
  readonly hostname?: string;
}
