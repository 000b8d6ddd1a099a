// Where a served key talks to the person who started it.

/** The streams of the process, or a test's. */
export interface Console {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Prompts and the log. */
  readonly errors: NodeJS.WritableStream;
  /** Whether a person sits at `input` and `errors`. */
  readonly isTerminal: boolean;
  /** The script that runs, for the commands that the banner shows. */
  readonly script: string;
}
