# Answers a dialog of Chromium on the X server at :1, whose picture is the file /tmp/screen/Xvfb_screen0 (Xvfb's -fbdir): dialog.py [TEXT]
# Waits for a dialog with a primary button, types TEXT into its field if there is one, and presses Return, which is the button.
import os
import subprocess
import sys
import time

PICTURE = "/tmp/screen/Xvfb_screen0"
# A primary button's blue, #0b57d0, in the picture's order of bytes. The page and the sheets that only wait have little so blue.
BLUE = bytes([0xD0, 0x57, 0x0B])
ENOUGH = 1000


def shows_button():
    with open(PICTURE, "rb") as file:
        return file.read().count(BLUE) > ENOUGH


def press(*command):
    subprocess.run(["xdotool", *command], check=True, env={**os.environ, "DISPLAY": ":1"})


end = time.monotonic() + 60
while not shows_button():
    if time.monotonic() > end:
        sys.exit("no dialog asked for anything")
    time.sleep(0.1)
time.sleep(0.5)  # it fades in, and takes the keyboard when it is there
if len(sys.argv) > 1:
    press("type", "--delay", "40", sys.argv[1])
press("key", "Return")
