// Test vectors: one file per algorithm in test/vectors, each with its source.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, "..", "vectors", `${name}.json`), "utf8")) as T;
}
