#!/usr/bin/python3
"""A pinentry that types by itself: what stands in $GNUPGHOME/pins, a JSON object.

"admin", "user" and "reset" are the card's passwords as they are, "new-admin", "new-user" and "new-reset" what they become,
"passphrase" is that of a key that is not on the card; a dialog that asks for something that is not there is cancelled, and one that asks again gets the same again. Each dialog is
noted in $GNUPGHOME/dialogs, and what was typed last in $GNUPGHOME/typed: gpg-agent starts a pinentry for each.
"""
import json
import os
import sys
import urllib.parse

home = os.environ["GNUPGHOME"]


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def which(description, prompt):
    text = description + " " + prompt
    if "Repeat" in text or "re-enter" in text:
        return "repeated"
    if "passphrase" in text:
        return "passphrase"
    name = "admin" if "Admin" in text else "reset" if "Reset Code" in text else "user"
    return ("new-" if "New " in text or "new " in text else "") + name


description = prompt = ""
say("OK")
for line in sys.stdin:
    command, _, argument = line.rstrip("\n").partition(" ")
    if command == "SETDESC":
        description = urllib.parse.unquote(argument)
    elif command == "SETPROMPT":
        prompt = urllib.parse.unquote(argument)
    elif command == "GETPIN":
        with open(home + "/pins") as file:
            pins = json.load(file)
        asked = which(description, prompt)
        pin = open(home + "/typed").read() if asked == "repeated" else pins.get(asked)
        with open(home + "/dialogs", "a") as file:
            file.write(json.dumps([asked, description, prompt]) + "\n")
        if pin is None:
            say("ERR 83886179 Operation cancelled <Pinentry>")
            continue
        with open(home + "/typed", "w") as file:
            file.write(pin)
        say("D " + urllib.parse.quote(pin))
    say("OK")
    if command == "BYE":
        break
