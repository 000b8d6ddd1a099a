"""Puts the accounts that standard input describes on the card in the reader, lets yubikit compute all their codes at one moment, and compares
each with oathtool's."""
import json
import subprocess
import sys

from smartcard.System import readers
from ykman.pcsc import ScardSmartCardConnection
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

NOW = 1_700_000_000
accounts = json.load(sys.stdin)
reader = next(reader for reader in readers() if reader.name == sys.argv[1])
connection = reader.createConnection()
connection.connect()
session = OathSession(ScardSmartCardConnection(connection))
for account in accounts:
    session.put_credential(
        CredentialData(
            account["name"],
            OATH_TYPE.TOTP,
            HASH_ALGORITHM[account["algorithm"]],
            bytes.fromhex(account["secret"]),
            account["digits"],
            account["period"],
        )
    )
codes = {credential.name: code.value for credential, code in session.calculate_all(NOW).items()}
for account in accounts:
    command = ["oathtool", "--totp=" + account["algorithm"].lower(), "-d", str(account["digits"]), "-N", f"@{NOW}"]
    command += ["-s", f"{account['period']}s", account["secret"]]
    code = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    if codes[account["name"]] != code:
        sys.exit(f"{account}: yubikit {codes[account['name']]}, oathtool {code}")
print(f"{len(codes)} agree")
