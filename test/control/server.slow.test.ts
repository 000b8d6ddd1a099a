// A client that begins a request and stops does not hold its connection.
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { storeDirectory } from "../support/store-directory.ts";
import { startKey } from "./running-key.ts";

const directory = storeDirectory();

test.concurrent.each([
  ["its head", "POST /v1/touch HTTP/1.1\r\nhost: latchkey\r\n"],
  [
    "its body",
    "POST /v1/touch HTTP/1.1\r\nhost: latchkey\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
  ],
])("A request that stops in %s is hung up on within 15 seconds", { timeout: 20_000 }, async (_, beginning) => {
  const { server, path } = await startKey(directory);
  const socket = connect(path);
  try {
    socket.write(beginning);
    socket.resume();
    await once(socket, "close", { signal: AbortSignal.timeout(15_000) });
  } finally {
    socket.destroy();
    await server.close();
  }
  expect(socket.destroyed).toBe(true);
});
