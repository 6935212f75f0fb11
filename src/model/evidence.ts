/**
 * What a caller shows in place of a token: proof that it holds a credential of an identity. A facade takes it off the wire and
 * judges nothing; the core checks it (identity/credentials) and finds or makes the ordinary token of that credential.
 */

export type CredentialKind = 'access-key' | 'client-secret' | 'service-account-key';

/** A signature under a secret access key: AWS Signature Version 4. */
export interface AccessKeyEvidence {
  readonly kind: 'access-key';
  /** Access key id. */
  readonly credential: string;
  /** Date (`yyyymmdd`), region and service of the credential scope. */
  readonly scope: readonly [date: string, region: string, service: string];
  /** The string to sign. */
  readonly text: string;
  readonly signature: Buffer;
  /** Goes with temporary credentials. */
  readonly sessionToken?: string;
}

/** A secret that is sent as it is: OAuth client credentials. The text names its credential (`credentialOfSecret`). */
export interface ClientSecretEvidence {
  readonly kind: 'client-secret';
  /** Who the caller says it is: the entity's id or name; '' when the protocol does not say. */
  readonly client: string;
  readonly secret: string;
}

/** A signature under the private key of a service account: RSASSA-PKCS1-v1_5 with SHA-256, as in a JWT of `RS256`. */
export interface ServiceAccountEvidence {
  readonly kind: 'service-account-key';
  /** Id of the key (`kid`). */
  readonly credential: string;
  /** Who signs (`iss`): the client e-mail; must be that of the key. */
  readonly account: string;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export type Evidence = AccessKeyEvidence | ClientSecretEvidence | ServiceAccountEvidence;
