/**
 * What a facade has done with a kept certificate inside the one transaction of its request, as model/tasks/secret-task.ts is for
 * secrets: the call names path and operation, so that policies and audit see what they always see, and the task says what is to
 * become of the certificate.
 *
 * Which path and operation stand for what (the same capability as in the Vault API):
 *   read a certificate             read           stored/<name>/info
 *   read it with its key           read           stored/<name>
 *   keep one: import, self-signed, a request for an authority elsewhere and its answer
 *                                  write          stored/<name>
 *   have a role make one           write          stored/<name>/issue/<role>
 *   change what is known of it     write          stored/<name>/info
 *   delete, bring back             delete, write  stored/<name>/soft-delete, stored/<name>/soft-delete-restore
 *   delete for good                delete         stored/<name>
 *   list                           list           stored
 */
import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import type { Retention } from './secret-task.ts';
import type { Reply } from '../reply.ts';

/** What can be said of a version by whoever keeps it. */
export interface VersionNotes {
  /** Switched off: its key is handed out to nobody. */
  readonly disabled?: true;
  readonly tags?: Readonly<Record<string, string>>;
  /** When this was last changed; absent = as it was made. */
  readonly updatedMs?: number;
}

export interface KeptVersion extends VersionNotes {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly createdMs: number;
  /** SHA-1 of the certificate in hexadecimal digits, by which it is found in certificate stores. */
  readonly thumbprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A certificate that is to be made, again and again. All of it is plain data: it is stored as it is. */
export interface CertificatePlan {
  /** A role of the mount; absent: the certificate is signed by its own key. */
  readonly role?: string;
  readonly key: {
    /** Absent: as the role has it, else RSA with 2048 bits. */
    readonly type?: 'rsa' | 'ec';
    readonly bits?: number;
    /** The next version is about the same key. */
    readonly reuse: boolean;
  };
  /** Name in DER, as base64. */
  readonly subject: string;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly ipAddresses: readonly string[];
  /** User principal names. */
  readonly userNames: readonly string[];
  /** Bits of crypto/x509/extensions.ts, and object identifiers; a role has its own. */
  readonly keyUsage: number;
  readonly extendedKeyUsages: readonly string[];
  readonly months: number;
}

/** When it is made anew, and when its end is told. */
export interface RenewalTimes {
  readonly autoRenew: boolean;
  /** Of the lifetime, when it is renewed; 0: go by {@link renewBeforeSeconds}. */
  readonly renewAtPercent?: number;
  readonly renewBeforeSeconds: number;
  readonly alertBeforeSeconds?: readonly number[];
}

export interface KeptCertificate {
  /** Oldest first; the last one is what is read without an id. */
  readonly versions: readonly KeptVersion[];
  readonly plan?: CertificatePlan;
  readonly deletedMs?: number;
  readonly purgeMs?: number;
  /** What other APIs keep of a certificate beside all this, each under a name of its own. Never a secret. */
  readonly attributes?: Readonly<JsonObject>;
}

/** A key whose certificate is awaited from an authority elsewhere. */
export interface AwaitedCertificate {
  /** PKCS #10 in DER, as base64. */
  readonly request: string;
  readonly id: string;
  readonly requestedMs: number;
  readonly cancelled?: true;
  readonly attributes?: Readonly<JsonObject>;
}

export interface CertificateMaterial {
  /** DER; those of the chain behind that of the key. */
  readonly certificates: readonly Buffer[];
  /** Undefined when it was never handed in. */
  readonly privateKey: KeyObject | undefined;
}

export interface CertificateChanges {
  readonly deletedMs?: number | undefined;
  readonly purgeMs?: number | undefined;
  readonly plan?: CertificatePlan | undefined;
  readonly renewal?: RenewalTimes;
  readonly attributes?: Readonly<JsonObject>;
  /** In place of what is known of one version. */
  readonly version?: { readonly id: string; readonly notes: VersionNotes };
}

export interface CertificateDesk {
  /** The one "now" of the request. */
  readonly nowMs: number;
  readonly retention: Retention | undefined;
  readonly name: string;
  /** Undefined when there is none, or its `purgeMs` is over. It is there while it is deleted softly. */
  readonly certificate: KeptCertificate | undefined;
  readonly awaited: AwaitedCertificate | undefined;

  /** Certificate and chain of a version, without or with its key. */
  material(id: string): Promise<CertificateMaterial>;
  /** Makes a version by the plan, which is kept. @throws {RequestError} the role does not allow it */
  make(plan: CertificatePlan, notes: VersionNotes): Promise<KeptCertificate>;
  /** Makes a key and a request by the plan, for an authority elsewhere. */
  await(plan: CertificatePlan, attributes: Readonly<JsonObject>): Promise<AwaitedCertificate>;
  /** Undefined drops it, with its key. */
  changeAwaited(awaited: AwaitedCertificate | undefined): void;
  /** Takes a certificate for the awaited one: it must be about its key. @throws {RequestError} */
  merge(certificates: readonly Buffer[], notes: VersionNotes): Promise<KeptCertificate>;
  /** Takes what was made elsewhere. @throws {RequestError} key and certificate do not belong together */
  import(material: CertificateMaterial, notes: VersionNotes): Promise<KeptCertificate>;
  change(changes: CertificateChanges): Promise<KeptCertificate>;
  remove(): Promise<void>;
  /** The certificate with its keys, to be encrypted at once; and what such bytes hold, which must not exist. */
  save(): Promise<Buffer>;
  restore(saved: Buffer): Promise<KeptCertificate>;
}

export interface CertificateListDesk {
  readonly nowMs: number;
  readonly retention: Retention | undefined;
  /** The first `limit` certificates after `after`, in byte order of their names. */
  page(
    after: string,
    limit: number,
  ): Promise<{
    readonly certificates: readonly {
      readonly name: string;
      readonly certificate: KeptCertificate;
    }[];
    /** Where the next page goes on; undefined at the end. */
    readonly next: string | undefined;
  }>;
}

/** For requests about one certificate: `certificate`; for `list`: `certificates`. The `data` of the reply is the facade's own. */
export interface CertificateTask {
  readonly certificate?: (desk: CertificateDesk) => Promise<Reply | undefined> | Reply | undefined;
  readonly certificates?: (
    desk: CertificateListDesk,
  ) => Promise<Reply | undefined> | Reply | undefined;
}
