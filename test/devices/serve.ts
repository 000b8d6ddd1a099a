// Serves the three test devices on a free port of 127.0.0.1, for a kernel test: prints where it listens and each
// device's busid, and on each SIGUSR1 types the word and moves and clicks the mouse. SIGTERM ends it.
import { createLogger } from "../../src/log.ts";
import { UsbIpServer } from "../../src/usbip/index.ts";
import { createSerialDevice, SerialEcho } from "./cdc-acm.ts";
import { createKeyboardDevice, Keyboard } from "./keyboard.ts";
import { createMouseDevice, Mouse } from "./mouse.ts";

const WORD = "latchkey";

const print = (line: string) => process.stdout.write(`${line}\n`);
const keyboard = new Keyboard();
const mouse = new Mouse();
const server = new UsbIpServer({
  log: createLogger("warn", (line) => process.stderr.write(`${line}\n`)),
  onAttach: ({ busid }, peer) => print(`attached ${busid} ${peer}`),
  onDetach: ({ busid }, peer) => print(`detached ${busid} ${peer}`),
});
const devices = [
  { name: "keyboard", exported: server.export(createKeyboardDevice(keyboard)) },
  { name: "mouse", exported: server.export(createMouseDevice(mouse)) },
  { name: "serial", exported: server.export(createSerialDevice(new SerialEcho())) },
];

process.on("SIGUSR1", () => {
  keyboard.type(WORD);
  mouse.move(10, -5);
  mouse.click();
});
process.on("SIGTERM", () => void server.close());

const { address, port } = await server.listen({ port: 0 });
print(`Listening on ${address}:${port}`);
for (const { name, exported } of devices) print(`${exported.busid} ${name}`);
