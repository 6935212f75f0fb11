/** The other form that a wrapping token may have: a text that carries it, signed. */

/** Times in seconds since the epoch (RFC 7519 §4.1). */
export interface WrappingClaims {
  /** Accessor of the token inside, '' when there is none. */
  readonly accessor: string;
  /** Where to unwrap it. */
  readonly addr: string;
  readonly exp: number;
  readonly iat: number;
  /** The wrapping token itself. */
  readonly jti: string;
  readonly nbf: number;
}

export interface WrappingTexts {
  seal(claims: WrappingClaims): string;
  /** The wrapping token in a text, undefined when it is not one of ours. */
  open(text: string): string | undefined;
}

/** Three parts; a token of a namespace has three as well, but its first is one letter. */
export function isSignedText(text: string): boolean {
  return text[1] !== '.' && text.split('.', 4).length === 3;
}
