import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { link } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { nodeFileSystem } from "../../keystore/store-file.ts";
import { storeDirectory } from "../support/store-directory.ts";

vi.mock("node:fs/promises", async (load) => {
  const original = await load<typeof import("node:fs/promises")>();
  return { ...original, link: vi.fn(original.link) };
});

const directory = storeDirectory();

afterEach(() => void vi.mocked(link).mockReset());

describe.each([
  ["", undefined],
  [" on a disk where a file has one name only", "EPERM"],
])("A new name%s", (_where, code) => {
  function file(name: string, text: string): string {
    const path = join(directory, name);
    writeFileSync(path, text);
    if (code !== undefined) vi.mocked(link).mockRejectedValueOnce(Object.assign(new Error("no link"), { code }));
    return path;
  }

  test("is a file's only one, with all that it holds", async () => {
    const [staged, path] = [file(`staged ${code}`, "whole"), join(directory, `new ${code}`)];
    await nodeFileSystem.renameNew(staged, path);
    expect(readFileSync(path, "utf8")).toBe("whole");
    expect(readdirSync(directory)).not.toContain(`staged ${code}`);
  });

  test("is refused where something has it", async () => {
    const [staged, path] = [file(`staged ${code}`, "whole"), join(directory, `taken ${code}`)];
    writeFileSync(path, "precious");
    await expect(nodeFileSystem.renameNew(staged, path)).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect(readFileSync(staged, "utf8")).toBe("whole");
  });
});
