/** Wrapping tokens: what makes one, and where it keeps what it stands for. */
import type { IssuedToken } from '../../tokens/token-store.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export const WRAPPING_POLICY: string = 'response-wrapping';

export interface WrappingWish {
  readonly ttlSeconds: number;
  readonly creationPath: string;
  /** 0 = as long as it lives. */
  readonly numUses: number;
  /** What is wrapped is no JSON of ours. */
  readonly raw?: boolean;
}

export async function wrappingToken(
  { tokens }: Pick<Parts, 'tokens'>,
  { unit, namespace, path, nowMs }: Exchange,
  { ttlSeconds, creationPath, numUses, raw = false }: WrappingWish,
): Promise<IssuedToken> {
  return await tokens.issue(
    unit,
    {
      type: 'service',
      namespaceId: namespace.id,
      parent: undefined,
      policies: [WRAPPING_POLICY],
      path,
      displayName: '',
      metadata: null,
      ttlSeconds,
      explicitMaxTtlSeconds: ttlSeconds,
      periodSeconds: 0,
      renewable: false,
      numUses,
      role: '',
      entityId: '',
      boundCidrs: [],
      strictlyBindIp: false,
      noDefaultPolicy: true,
      internal: null,
      mountAccessor: '',
      maxTtlSeconds: 0,
      wrapped: { creationPath, ttlSeconds, ...(raw && { raw }) },
    },
    nowMs,
  );
}
