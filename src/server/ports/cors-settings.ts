/** The CORS settings in force, for facades that must know them before a request reaches the core. */
import { CORS_SCOPE, corsRecord } from '../../system/config/cors.ts';
import type { CorsRecord } from '../../system/config/cors.ts';
import { EpochCache } from '../../core/epoch-cache.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';

const DISABLED: CorsRecord = { enabled: false, allowedOrigins: [], allowedHeaders: [] };

export interface CorsPorts {
  readonly begin: () => CoreUnit;
  readonly sealed: () => boolean;
}

/** While sealed, no origin is answered but the server's own. */
export function corsSettings(ports: CorsPorts): () => Promise<CorsRecord> {
  const cache = new EpochCache(CORS_SCOPE, ports.begin, corsRecord);
  return async function currentCors() {
    if (ports.sealed()) {
      cache.clear();
      return DISABLED;
    }
    return await cache.get(ports.begin());
  };
}
