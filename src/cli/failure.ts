// What went wrong, said to a person: one sentence that says what to do, on standard error, and an exit status.
import { KeyStoreError } from "../../keystore/index.ts";
import { NotRunning, Refusal } from "../control/refusal.ts";
import { UsbIpConnectionError } from "../usbip/client-socket.ts";
import { UsbIpProtocolError } from "../usbip/protocol.ts";
import { VhciError } from "../usbip/vhci.ts";

/** Exit statuses: 0 done; 1 it could not be done; 2 it was asked for wrongly. */
export const ExitStatus = { DONE: 0, FAILED: 1, USAGE: 2 } as const;

/** `message` is the sentence. */
export class Failure extends Error {
  override name = "Failure";
}

/** Whether an error's message is a sentence for people; any other error is our fault, and its stack is of use. */
export function isSentence(error: unknown): error is Error {
  return [Failure, Refusal, NotRunning, VhciError, KeyStoreError].some((kind) => error instanceof kind);
}

/** The code of an error of the operating system ("EADDRINUSE"), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The sentence for a listening socket that could not be had. */
export function listenFailure(error: unknown, host: string, port: number): Failure {
  const options = { cause: error };
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return new Failure(
        `Port ${port} on ${host} is in use: stop what listens there, or choose another with --port (0 for any).`,
        options,
      );
    case "EACCES":
      return new Failure(`This user may not listen on port ${port}: choose one from 1024 up with --port.`, options);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new Failure(`This machine has no address ${host}: see --host.`, options);
    default:
      return new Failure(`Cannot listen on ${host} port ${port}: ${String(error)}`, options);
  }
}

/** The sentence for a USB/IP server that could not be talked to. */
export function clientFailure(error: unknown, where: string): Failure {
  const options = { cause: error };
  if (error instanceof UsbIpProtocolError) {
    return new Failure(`${where} does not speak USB/IP: ${error.message}.`, options);
  }
  switch (systemCode(error instanceof UsbIpConnectionError ? error.cause : error)) {
    case "ECONNREFUSED":
      return new Failure(`Nothing listens on ${where}: start a key with "latchkey serve".`, options);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new Failure(`No machine of that name is known: ${where}.`, options);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
      return new Failure(`${where} cannot be reached from here.`, options);
    default:
      return new Failure(`Talking to ${where} failed: ${error instanceof Error ? error.message : error}.`, options);
  }
}
