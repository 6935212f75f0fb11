/** A secret as templates see it: the names of fields are those of Vault's own client library in Go. */
import type { JsonObject } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { Struct, type Value } from '../template/values.ts';

export function secretValue(secret: Secret): Struct {
  const { auth, wrapInfo } = secret;
  return new Struct({
    RequestID: secret.requestId,
    LeaseID: secret.leaseId,
    LeaseDuration: secret.leaseDurationSeconds,
    Renewable: secret.renewable,
    Data: mapValue(secret.data),
    Warnings: secret.warnings ?? [],
    Auth:
      auth === undefined
        ? null
        : new Struct({
            ClientToken: auth.clientToken,
            Accessor: auth.accessor,
            Policies: auth.policies ?? [],
            TokenPolicies: auth.tokenPolicies ?? [],
            IdentityPolicies: auth.identityPolicies ?? [],
            Metadata: mapValue(auth.metadata),
            LeaseDuration: auth.leaseDurationSeconds,
            Renewable: auth.renewable,
            EntityID: auth.entityId,
            Orphan: auth.orphan,
          }),
    WrapInfo:
      wrapInfo === undefined
        ? null
        : new Struct({
            Token: wrapInfo.token,
            Accessor: wrapInfo.accessor,
            TTL: wrapInfo.ttlSeconds,
            CreationTime: wrapInfo.creationTime,
            WrappedAccessor: wrapInfo.wrappedAccessor,
          }),
  });
}

/** Parsed JSON is a value already; a member of it may be anything that JSON has. */
function mapValue(data: JsonObject | undefined): Value {
  return data ?? {};
}
