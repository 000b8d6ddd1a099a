# Runs ykman's commands one after the other in one process, since starting Python takes longer in emulation than all that
# ykman does. Each line of the standard input is a command as for a shell; it ends at the first that fails, with its status.
# (It must not be called ykman.py: Python would take it for the package.)
import shlex
import sys

import click
from ykman.cli.__main__ import cli

for line in sys.stdin:
    words = shlex.split(line)
    if not words:
        continue
    print("$ ykman", line.strip(), flush=True)
    try:
        cli.main(args=words, prog_name="ykman", obj={}, standalone_mode=False)
    except click.exceptions.Exit as exit:
        if exit.exit_code != 0:
            sys.exit(exit.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    sys.stdout.flush()
