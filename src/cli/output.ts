// How a command says what came of it.

/** Prints one line. */
export type Print = (line: string) => void;

export interface JsonOption {
  /** One line of JSON, for programs, in place of what people read. */
  readonly json: boolean;
}
