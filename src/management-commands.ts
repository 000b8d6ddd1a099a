// The CTAPHID vendor commands by which ykman reads and writes a key's configuration where there is no smart card
// reader. yubikit/management.py, CTAP_…
import type { Management } from "../applets/management/management.ts";
import type { MessageHandler } from "./ctaphid/application.ts";
import { CtapHidError, CtapHidErrorCode } from "./ctaphid/packet.ts";
import { StatusError, StatusWord } from "./iso7816/status-word.ts";

const Command = { DEVICE_CONFIG: 0x40, READ_CONFIG: 0x42, WRITE_CONFIG: 0x43 } as const;

const NOTHING = new Uint8Array(0);

export function managementCommands(management: Management): ReadonlyMap<number, MessageHandler> {
  const act = (run: (data: Uint8Array) => Promise<void>): MessageHandler =>
    explained(async (data) => {
      await run(data);
      return NOTHING;
    });
  return new Map([
    [Command.DEVICE_CONFIG, act((data) => management.setMode(data))],
    [Command.READ_CONFIG, explained(async (data) => management.readConfig(readPage(data)))],
    [Command.WRITE_CONFIG, act((data) => management.writeConfig(data))],
  ]);
}

/** ykman 4 sends no page, and means the first. */
function readPage(data: Uint8Array): number {
  if (data.length > 1) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_LEN);
  return data[0] ?? 0;
}

/** CTAPHID has no status words: what was sent is wrong, or it is refused. */
function explained(handle: MessageHandler): MessageHandler {
  return async (data, transport) => {
    try {
      return await handle(data, transport);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const isWrong = error.statusWord === StatusWord.WRONG_DATA;
      throw new CtapHidError(isWrong ? CtapHidErrorCode.ERR_INVALID_PAR : CtapHidErrorCode.ERR_OTHER);
    }
  };
}
