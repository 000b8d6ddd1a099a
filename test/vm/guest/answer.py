# Runs a program on a terminal of its own and answers its prompts: answer.py PROMPT ANSWER [PROMPT ANSWER …] -- PROGRAM ARGUMENT…
# Each PROMPT (a part of a line) is waited for in turn, so that nothing is typed before the program has turned its echo off.
# Shows what the program wrote; ends with its exit status, or with 99 when it ended, or 30 s passed, without one of the prompts.
import os
import pty
import select
import sys
import time

UNASKED = 99


def spawn(command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    return pid, terminal


def read_some(terminal, deadline):
    """What the program wrote; b"" when it has closed its terminal. EIO is how Linux says that."""
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def main(arguments):
    split = arguments.index("--")
    prompts = list(zip(arguments[:split:2], arguments[1:split:2]))
    pid, terminal = spawn(arguments[split + 1:])
    shown, unread, deadline = b"", b"", time.monotonic() + 30
    while True:
        try:
            data = read_some(terminal, deadline if prompts else deadline + 60)
        except TimeoutError:
            break
        if data == b"":
            break
        shown, unread = shown + data, unread + data
        if prompts and prompts[0][0].encode() in unread:
            os.write(terminal, prompts.pop(0)[1].encode() + b"\n")
            unread, deadline = b"", time.monotonic() + 30
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    os.close(terminal)  # hangs up on a program that still runs
    _, status = os.waitpid(pid, 0)
    if prompts:
        print(f"\nanswer.py: never asked {prompts[0][0]!r}")
        return UNASKED
    return os.waitstatus_to_exitcode(status)


sys.exit(main(sys.argv[1:]))
