/** Counts encryptions by the term of their key. */
export class TermUsage {
  #counts = new Map<number, number>();

  count(term: number, encryptions: number): void {
    this.#counts.set(term, this.of(term) + encryptions);
  }

  /** Since the last {@link take}. */
  of(term: number): number {
    return this.#counts.get(term) ?? 0;
  }

  /** All since the last call, which begins them anew. */
  take(): Map<number, number> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }
}
