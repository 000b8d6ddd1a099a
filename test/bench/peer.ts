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
  "pgp.select": { best: 94, median: 114 },
  "pgp.getData.6E": { best: 424, median: 459 },
  "pgp.verify": { best: 321, median: 338 },
  "pgp.generate.ed25519": { best: 2849, median: 3724 },
  "pgp.sign.ed25519": { best: 2806, median: 4068 },
  "pgp.generate.p256": { best: 2070, median: 2650 },
  "pgp.sign.p256": { best: 1077, median: 1495 },
  "pgp.generate.rsa2048": { best: 85_981, median: 98_855 },
  "pgp.sign.rsa2048": { best: 4753, median: 5630 },
  "pgp.generate.rsa4096": { best: 2_373_236, median: 2_445_966 },
  "pgp.sign.rsa4096": { best: 23_358, median: 32_420 },
  "piv.select": { best: 80, median: 96 },
  "piv.verify": { best: 466, median: 532 },
  "piv.generate.p256": { best: 3255, median: 4611 },
  "piv.sign.p256": { best: 1447, median: 1824 },
  "piv.generate.rsa2048": { best: 159_307, median: 199_521 },
  "oath.select": { best: 123, median: 175 },
  "oath.calculateAll.1": { best: 121, median: 145 },
  "oath.calculateAll.10": { best: 412, median: 487 },
  "oath.calculateAll.32": { best: 1181, median: 1266 },
  "oath.calculateAll.100": { best: 5085, median: 6338 },
  "u2f.register": { best: 2967, median: 3126 },
  "u2f.authenticate": { best: 1476, median: 1739 },
};
