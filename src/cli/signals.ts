// The end of a program that serves until it is told to stop, or until its terminal is gone.
import { isatty } from "node:tty";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * `stopped` resolves, and `signal` aborts, at the first Ctrl-C, SIGTERM or hang-up. From then on a second one ends the
 * process at once, should an orderly end take too long.
 */
export function untilStopped(): { readonly stopped: Promise<void>; readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    const stop = () => {
      for (const name of SIGNALS) process.off(name, stop);
      controller.abort();
      resolve();
    };
    for (const name of SIGNALS) process.on(name, stop);
  });
  return { stopped, signal: controller.signal };
}

/**
 * Node gives the terminal its settings back as it ends, and where the terminal is gone it aborts over that, with a core
 * dump: so what outlived its terminal ends by the hang-up. To be called at the start, when the terminal is there.
 */
export function endWithTerminal(): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on("exit", () => {
    if (terminals.every((descriptor) => isatty(descriptor))) return;
    process.removeAllListeners("SIGHUP");
    process.kill(process.pid, "SIGHUP");
  });
}
