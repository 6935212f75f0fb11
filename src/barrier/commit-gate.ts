/** Lets commits through, any number at a time; closed for moments in which none may be under way. */
export class CommitGate {
  #inside = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Resolves when it is open. */
  async opened(): Promise<void> {
    while (this.#closing !== undefined) await this.#closing;
  }

  /** A commit begins. Only while it is open, with nothing awaited in between. */
  enter(): void {
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
    if (this.#inside === 0) this.#drained?.();
  }

  /** Runs `action` while nobody is inside and nobody enters. */
  async close<T>(action: () => Promise<T>): Promise<T> {
    await this.opened();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = promise;
    try {
      if (this.#inside > 0) await new Promise<void>((drained) => (this.#drained = drained));
      this.#drained = undefined;
      return await action();
    } finally {
      this.#closing = undefined;
      resolve();
    }
  }
}
