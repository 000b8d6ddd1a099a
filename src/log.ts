// The log: five levels, to standard error. The traffic level shows each request's command and the lengths of its
// data, never the data itself: a CCID block or a CBOR map may carry a PIN or a key in clear, and a filter that must
// recognise every secret would one day miss one.

const LEVELS = ["error", "warn", "info", "debug", "traffic"] as const;
export type LogLevel = (typeof LEVELS)[number];

export function isLogLevel(text: string): text is LogLevel {
  return (LEVELS as readonly string[]).includes(text);
}

export interface Logger {
  /** A fault of ours or of the machine; with its stack where there is one. */
  error(message: string, cause?: unknown): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  /** One protocol message: `describe` is called only when the level is on. */
  traffic(describe: () => string): void;
}

export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {}, traffic() {} };

/** Writes every line at or above `level` with `write`, as "time level message". */
export function createLogger(level: LogLevel, write: (line: string) => void): Logger {
  const threshold = LEVELS.indexOf(level);
  const put = (at: LogLevel, message: string) => {
    if (LEVELS.indexOf(at) <= threshold) write(`${new Date().toISOString()} ${at} ${message}`);
  };
  return {
    error: (message, cause) =>
      put(
        "error",
        cause === undefined ? message : `${message}: ${cause instanceof Error ? cause.stack : String(cause)}`,
      ),
    warn: (message) => put("warn", message),
    info: (message) => put("info", message),
    debug: (message) => put("debug", message),
    traffic: (describe) => {
      if (threshold >= LEVELS.indexOf("traffic")) put("traffic", describe());
    },
  };
}
