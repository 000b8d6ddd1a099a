// Work that takes turns. What reads, decides and commits must not overlap another such: both would build on the same state.

export class Turns {
  /** Settles with the last that was asked for. */
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it has settled; what fails does not stop the next. */
  take<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
