/** The parser of certificates, which is large, loaded when the first one is to be read. */
type Reading = typeof import('../../crypto/x509/presented.ts');

export async function reading(): Promise<Reading> {
  return await import('../../crypto/x509/presented.ts');
}
