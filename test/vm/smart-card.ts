/**
 * The key as a smart card in the guest: pcscd with libccid, scdaemon with a driver of its own. The two exclude each other on one reader.
 */
import type { Guest } from "./guest.ts";

/** Debian packages of what runs here. */
export const smartCardPackages = [
  "pcscd",
  "libccid",
  "opensc",
  "pcsc-tools",
  "gnupg",
  "scdaemon",
  "python3-pyscard",
  "usbutils",
] as const;

const PCSCD_LOG = "/tmp/pcscd.log";

/**
 * Starts pcscd, with a USB id (by default that of an unchanged `latchkey serve`) added to those that libccid takes. The file system is the guest's
 * own, so that nothing of it stays. vsmartcard's reader is not there.
 */
export async function startPcscd(guest: Guest, usbId = "1209:0001"): Promise<void> {
  const [vendor, product] = usbId.split(":");
  // Each of libccid's three lists gets one more element, in front. The name is that of the list, and the key's serial number.
  const add = (key: string, text: string) => `/<key>${key}</{n;s|<array>|<array><string>${text}</string>|}`;
  const edits = [
    add("ifdVendorID", `0x${vendor}`),
    add("ifdProductID", `0x${product}`),
    add("ifdFriendlyName", "Latchkey Security Key"),
  ];
  await guest.ok(
    `grep -q 0x${vendor}.*0x${product} /tmp/libccid-ids 2>/dev/null || sed -i -e '${edits.join("' -e '")}' /etc/libccid_Info.plist
    echo 0x${vendor} 0x${product} >> /tmp/libccid-ids
    mkdir -p /run/pcscd /tmp/no-readers
    setsid /usr/sbin/pcscd --foreground --info --config /tmp/no-readers > ${PCSCD_LOG} 2>&1 < /dev/null &
    for attempt in $(seq 100); do test -S /run/pcscd/pcscd.comm && exit 0; sleep 0.1; done
    cat ${PCSCD_LOG}; exit 1`,
  );
}

export async function stopPcscd(guest: Guest): Promise<void> {
  await guest.ok(
    `kill $(cat /run/pcscd/pcscd.pid)
    for attempt in $(seq 100); do test -S /run/pcscd/pcscd.comm || exit 0; sleep 0.1; done; exit 1`,
  );
}

export async function pcscdLog(guest: Guest): Promise<string> {
  return (await guest.run(`cat ${PCSCD_LOG}`)).output;
}

/** The reader's name, once pcscd has a card in it. @throws with pcscd's log after 20 s */
export async function waitForReader(guest: Guest): Promise<string> {
  const { code, output } = await guest.run(
    `for attempt in $(seq 40); do opensc-tool --list-readers > /tmp/readers && grep '^0 *Yes' /tmp/readers && exit 0; sleep 0.5; done
    cat /tmp/readers ${PCSCD_LOG}; exit 1`,
    { timeoutMs: 30_000 },
  );
  const name = /^0 +Yes +(?:\S+ {2,})?(\S.*)$/m.exec(output)?.[1];
  if (code !== 0 || name === undefined) throw new Error(`no card in a reader\n${output}`);
  return name.trim();
}

/**
 * A fresh GNUPGHOME for scdaemon. `driver`: its own CCID driver, or pcscd, which has to run then; while the one has the reader, the other cannot.
 * @returns the words in front of a gpg command line
 */
export async function useGnupg(guest: Guest, driver: "own" | "pcscd"): Promise<string> {
  const home = `/tmp/gnupg-${driver}`;
  await guest.ok(
    `gpgconf --homedir ${home} --kill all 2>/dev/null; rm -rf ${home}; mkdir -m 700 ${home}
    ${driver === "pcscd" ? `echo disable-ccid > ${home}/scdaemon.conf` : ":"}`,
  );
  return `GNUPGHOME=${home}`;
}

/** Ends gpg-agent and scdaemon, which let go of the reader. */
export async function leaveGnupg(guest: Guest, words: string): Promise<void> {
  await guest.ok(`${words} gpgconf --kill all`);
}
