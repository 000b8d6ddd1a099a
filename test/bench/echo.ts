// The loopback's floor: a process that sends back what it is sent.
import { type AddressInfo, createServer } from "node:net";

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => socket.write(data));
});

server.listen(0, "127.0.0.1", () => {
  console.log(`Listening on 127.0.0.1:${(server.address() as AddressInfo).port}`);
});
