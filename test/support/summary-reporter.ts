/**
 * A vitest reporter that ends the run with one plain line, `N passed, N failed` (and `, N skipped` when there are any), alone on its line.
 * Everything that makes a run red counts as failed: tests, and also files that cannot be loaded, hooks that throw, stray rejections.
 */
import type { SerializedError } from "vitest";
import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts a run's results. @param reason as vitest gives it: tests that an interrupted run left undone count as failed */
export function summarize(
  modules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
  reason: TestRunEndReason,
): Summary {
  const summary: Summary = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const module of modules) {
    for (const task of module.children.allTests()) {
      const { state } = task.result();
      if (state === "passed") summary.passed++;
      else if (state === "skipped") summary.skipped++;
      else summary.failed++;
    }
    // A suite has errors of its own when it could not be collected or one of its hooks failed; its tests then show as skipped.
    for (const suite of [module, ...module.children.allSuites()]) {
      if (suite.errors().length > 0) summary.failed++;
    }
  }
  if (reason !== "passed" && summary.failed === 0) summary.failed = 1;
  return summary;
}

/** @returns e.g. "12 passed, 0 failed", or "11 passed, 0 failed, 1 skipped" */
function encodeSummary({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

export default class SummaryReporter implements Reporter {
  #line: string | undefined;

  constructor() {
    // The very end: after the other reporters, and after vitest's own words about closing down.
    process.once("exit", () => {
      if (this.#line !== undefined) process.stdout.write(`${this.#line}\n`);
    });
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    this.#line = encodeSummary(summarize(modules, unhandledErrors, reason));
  }
}
