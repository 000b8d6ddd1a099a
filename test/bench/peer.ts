// The figures of another security key over USB/IP, to compare with: canokey-usbip, canokey-core of 2025-03, C, release
// build, one core of an AMD EPYC; five runs of a Python client. They say something only in relation to the floor of
// their own runs: another machine, another client.

export interface PeerFigures {
  /** p50 in µs, of the best run and of the median run. */
  readonly best: number;
  readonly median: number;
}

export const PEER_NAME = "canokey-usbip, canokey-core of 2025-03";

export const peerFigures: Readonly<Record<string, PeerFigures>> = {
  "floor.echo": { best: 15.5, median: 19.6 },
  "usb.descriptor": { best: 37, median: 48 },
  "hid.init": { best: 103, median: 171 },
  "hid.ping.57": { best: 81, median: 113 },
  "hid.ping.1024": { best: 1406, median: 1973 },
  "fido.getInfo": { best: 216, median: 287 },
  "fido.makeCredential.es256": { best: 3141, median: 3364 },
  "fido.makeCredential.eddsa": { best: 3452, median: 4500 },
  "fido.getAssertion.es256": { best: 1241, median: 1583 },
  "ccid.slotStatus": { best: 65, median: 71 },
  "ccid.powerOn": { best: 69, median: 72 },
  "u2f.register": { best: 2967, median: 3126 },
  "u2f.authenticate": { best: 1476, median: 1739 },
};
