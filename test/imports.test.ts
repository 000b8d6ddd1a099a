// The architecture, as data: who may import whom, and what may stand where. Each row of `layers` names a folder (or
// file), and what of ours its files may import beside their own folder; the longest matching row counts.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ofEachApplet = [
  "src/iso7816",
  "src/transport.ts",
  "src/platform.ts",
  "src/touch.ts",
  "src/turns.ts",
  "src/pin-complexity.ts",
  "src/crypto",
  "src/cbor.ts",
  "src/bytes",
];

const layers: Readonly<Record<string, readonly string[]>> = {
  "src/cli.ts": ["src"],
  "src/cli": ["src", "applets", "keystore"],
  "src/security-key.ts": ["src", "applets", "keystore"],
  "src/index.ts": ["src", "keystore"],
  "src/applications.ts": ["src/identity.ts", "src/iso7816", "src/platform.ts", "applets"],
  "src/usb-functions.ts": [
    "src/applications.ts",
    "src/composition.ts",
    "src/management-commands.ts",
    "src/ctaphid",
    "src/keyboard",
    "src/ccid",
    "src/iso7816",
    "src/platform.ts",
    "applets/management/capability.ts",
  ],
  "src/composition.ts": ["src/usb"],
  "src/composed-device.ts": ["src/composition.ts", "src/identity.ts", "src/usb"],
  "src/identity.ts": ["src/composition.ts", "src/ctaphid", "src/bytes", "applets/management/device-info.ts"],
  "src/management-commands.ts": ["src/ctaphid", "src/iso7816", "applets/management"],
  "src/presence": ["src/platform.ts"],
  "src/control": [
    "src/presence",
    "src/directories.ts",
    "src/platform.ts",
    "src/transport.ts",
    "src/crypto",
    "src/cbor.ts",
    "src/bytes",
    "src/log.ts",
    "src/composition.ts",
    "src/identity.ts",
    "applets/fido2",
    "applets/otp",
    "applets/management",
    "applets/oath",
    "applets/piv",
    "applets/openpgp",
  ],
  "src/usbip": ["src/usb", "src/bytes", "src/log.ts"],
  "src/ctaphid": ["src/usb", "src/transport.ts", "src/turns.ts", "src/bytes", "src/log.ts"],
  "src/ccid": ["src/usb", "src/transport.ts", "src/bytes", "src/log.ts"],
  "src/keyboard": ["src/usb", "src/transport.ts", "src/turns.ts", "src/bytes", "src/log.ts"],
  "src/usb": ["src/bytes"],
  "src/iso7816": ["src/transport.ts", "src/turns.ts", "src/bytes", "src/log.ts"],
  "src/platform.ts": ["keystore/index.ts", "src/log.ts"], // types only, checked below
  "src/crypto": [],
  "src/cbor.ts": [],
  "src/bytes": [],
  "src/log.ts": [],
  "src/transport.ts": [],
  "src/turns.ts": [],
  "src/directories.ts": [],
  "src/pin-complexity.ts": [],
  "src/touch.ts": ["src/platform.ts", "src/transport.ts"],
  applets: ofEachApplet,
  "applets/u2f": [...ofEachApplet, "applets/fido2/credentials.ts"], // the only edge between applets
  keystore: ["src/bytes", "src/turns.ts", "src/directories.ts"],
};

/** Modules that only these places may import. */
const reserved: Readonly<Record<string, readonly string[]>> = {
  "node:net": ["src/usbip", "src/ccid/vpcd.ts", "keystore/lock.ts"],
  "node:http": ["src/control"], // over a socket in the file system alone
  "cbor-x": ["src/cbor.ts"],
  commander: ["src/cli.ts", "src/cli"],
  "node:fs": [
    "src/cli",
    "src/control",
    "src/directories.ts",
    "src/usbip/vhci.ts",
    "keystore/store-file.ts",
    "keystore/lock.ts",
  ],
  "node:crypto": [
    "src/crypto",
    "src/bytes/equal.ts",
    "src/security-key.ts",
    "src/cli/key-file.ts",
    "src/control/socket-location.ts",
    "keystore",
  ],
  "node:child_process": ["src/usbip/vhci.ts"],
};

/** An applet reaches time, chance and the machine through its Platform alone. */
const forbiddenInApplets = [/\bDate\.now\b/, /\bnew Date\b/, /\bperformance\b/, /\bset(Timeout|Interval|Immediate)\b/];
const chanceInApplets = /(?<!platform\.)\b(randomBytes|getRandomValues|randomInt|randomUUID)\b|\bMath\.random\b/;

const MAX_LINES = 400;
const VAGUE = new Set(["utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"]);

const repository = join(import.meta.dirname, "..");
const files = ["src", "applets", "keystore", "test"].flatMap(walk);
const sources = files.filter((file) => !isWithin(file, "test"));

function walk(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)));
}

function isWithin(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

function longestWithin(file: string, places: readonly string[]): string | undefined {
  return places.filter((place) => isWithin(file, place)).sort((a, b) => b.length - a.length)[0];
}

interface Import {
  readonly file: string;
  /** "node:net", "commander", or the path from the repository's root of a file of ours. */
  readonly target: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
}

/** Every static import and re-export, and every dynamic import of a literal. */
function importsOf(file: string): Import[] {
  const pattern = /^(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [...read(file).matchAll(pattern)].map(([, type, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? "";
    const ours = specifier.startsWith(".");
    const target = ours ? join(dirname(file), specifier) : specifier;
    return { file, target, ours, typeOnly: type !== undefined };
  });
}

function read(file: string): string {
  return readFileSync(join(repository, file), "utf8");
}

/** The file without its comments, as far as our own style writes them: whole lines, or after a statement. */
function codeOf(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

const imports = sources.flatMap(importsOf);

test("The check sees the imports that are there", () => {
  expect(imports.length).toBeGreaterThan(20);
  const own = importsOf("test/imports.test.ts").map(({ target }) => target);
  expect(own).toEqual(["node:fs", "node:path", "vitest"]);
  for (const { target, ours } of imports) if (ours) expect(sources).toContain(target);
});

describe("Imports of our own files go only where the table lets them", () => {
  const folders = new Set(sources.map((file) => longestWithin(file, Object.keys(layers)) ?? dirname(file)));
  test.each([...folders].sort())("%s", (folder) => {
    const allowed = layers[folder];
    expect(allowed, `${folder} has no row in the table`).toBeDefined();
    // An applet's own folder is applets/NAME: the others are not its own.
    const strays = imports.filter(({ file, target, ours }) => {
      if (!ours || longestWithin(file, Object.keys(layers)) !== folder) return false;
      const home = folder === "applets" ? file.split("/").slice(0, 2).join("/") : folder;
      return !isWithin(target, home) && !allowed?.some((place) => isWithin(target, place));
    });
    expect(strays.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });
});

test("The table allows nothing that nobody needs", () => {
  const idle = Object.entries(layers).flatMap(([folder, places]) => {
    const own = imports.filter(({ file }) => longestWithin(file, Object.keys(layers)) === folder);
    return places
      .filter((place) => !(folder === "applets/u2f" && ofEachApplet.includes(place)))
      .filter((place) => !own.some(({ target }) => isWithin(target, place)))
      .map((place) => `${folder} does not import ${place}`);
  });
  const unreserved = Object.entries(reserved).flatMap(([name, places]) =>
    places
      .filter((place) => !imports.some(({ file, target }) => target.split("/")[0] === name && isWithin(file, place)))
      .map((place) => `${place} does not import ${name}`),
  );
  expect([...idle, ...unreserved]).toEqual([]);
});

test("The platform knows the keystore by its types alone", () => {
  const values = imports.filter(({ file, ours, typeOnly }) => file === "src/platform.ts" && ours && !typeOnly);
  expect(values).toEqual([]);
});

test.each(Object.entries(reserved))("%s is imported only in its place", (name, places) => {
  const strays = imports
    .filter(({ target }) => target === name || target.startsWith(`${name}/`))
    .filter(({ file }) => !places.some((place) => isWithin(file, place)));
  expect(strays.map(({ file }) => file)).toEqual([]);
});

test("An applet imports nothing of Node, and takes time and chance from its platform", () => {
  const applets = sources.filter((file) => isWithin(file, "applets"));
  expect(imports.filter(({ file, target }) => isWithin(file, "applets") && target.startsWith("node:"))).toEqual([]);
  const strays = applets.flatMap((file) => {
    const code = codeOf(file);
    return [...forbiddenInApplets, chanceInApplets]
      .map((pattern) => pattern.exec(code)?.[0])
      .filter((found) => found !== undefined)
      .map((found) => `${file}: ${found}`);
  });
  expect(strays).toEqual([]);
});

test(`No file is longer than ${MAX_LINES} lines`, () => {
  const long = files
    .map((file) => ({ file, lines: read(file).split("\n").length - 1 }))
    .filter((f) => f.lines > MAX_LINES);
  expect(long).toEqual([]);
});

test("No file or folder has a name that could hold anything", () => {
  const vague = files.filter((file) => file.split("/").some((part) => VAGUE.has(part.replace(/\..*$/, ""))));
  expect(vague).toEqual([]);
});
