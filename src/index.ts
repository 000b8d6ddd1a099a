// The library: a security key as a USB device, and the server that offers it. `latchkey/usbip` has the client.
//
//     const presence = new PendingPresence();
//     presence.subscribe((event) => event.kind === "asked" && presence.answer(event.waiting.id, true));
//     const server = new UsbIpServer();
//     server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence }));
//     const { port } = await server.listen({ port: 0 });

export { type KeyStore, KeyStoreError, type KeyStoreErrorCode, type Store } from "../keystore/index.ts";
export { MemoryKeyStore } from "../keystore/memory-keystore.ts";
export { createLogger, type Logger, type LogLevel, silentLogger } from "./log.ts";
export type { PresenceOutcome, PresencePrompt, UserPresence } from "./platform.ts";
export { autoPresence } from "./presence/auto.ts";
export { denyPresence } from "./presence/deny.ts";
export { PendingPresence, type PresenceEvent, type WaitingPrompt } from "./presence/pending.ts";
export { createSecurityKey, type SecurityKey, type SecurityKeyOptions } from "./security-key.ts";
export type { UsbDevice } from "./usb/types.ts";
export { UsbIpServer, type UsbIpServerOptions } from "./usbip/server.ts";
