// The other end of the floor: sends as many bytes as a USB/IP transfer of one report has, and waits for them all.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** USBIP_CMD_SUBMIT and a report: 48 + 64. */
const LENGTH = 112;

export class EchoClient {
  readonly #socket: Socket;
  readonly #message = new Uint8Array(LENGTH);
  #missing = 0;
  #resolve: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => {
      this.#missing -= data.length;
      if (this.#missing === 0) this.#resolve();
    });
  }

  static async connect(port: number): Promise<EchoClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new EchoClient(socket);
  }

  roundTrip(): Promise<void> {
    return new Promise((resolve) => {
      this.#missing = LENGTH;
      this.#resolve = resolve;
      this.#socket.write(this.#message);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
