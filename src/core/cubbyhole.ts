/** Where the cubbyholes of tokens lie, in the namespace of each token. */

/** The view that holds a token's cubbyhole, in the token's namespace. */
export function cubbyholePrefix(tokenId: string): string {
  return `cubbyhole/${tokenId}/`;
}

/** As {@link cubbyholePrefix}, for those that it has in other namespaces: one folder for each. */
export function cubbyholesAbroadPrefix(tokenId: string): string {
  return `cubbyhole-abroad/${tokenId}/`;
}

/** Where a wrapping token keeps the answer, in its cubbyhole. */
export const WRAPPED_KEY: string = 'response';
