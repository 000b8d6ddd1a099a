# Runs ykman's commands one after the other in one process, since starting Python takes longer in emulation than all that
# ykman does. Each line of the standard input is a command as for a shell; it ends at the first that fails, with its status,
# or that succeeds in spite of a "!" in front. (It must not be called ykman.py: Python would take it for the package.)
import shlex
import sys

import click
from ykman.cli.__main__ import cli


def status_of(words):
    try:
        cli.main(args=words, prog_name="ykman", obj={}, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.exceptions.Exit, SystemExit) as end:
        return getattr(end, "exit_code", None) or getattr(end, "code", None) or 0
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        return 1
    return 0


for line in sys.stdin:
    words = shlex.split(line)
    if not words:
        continue
    print("$ ykman", line.strip(), flush=True)
    is_to_fail = words[0] == "!"
    status = status_of(words[1:] if is_to_fail else words)
    sys.stdout.flush()
    sys.stderr.flush()
    if is_to_fail and status == 0:
        sys.exit("it should have failed")
    if not is_to_fail and status != 0:
        sys.exit(status)
