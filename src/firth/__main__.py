"""The command `firth`, which is also `python -m firth`."""

import os
import signal
import sys


def main() -> int:
    """Run this process's command line and return its exit code.

    Ctrl-C while it is still being loaded ends the process without the traceback of some import.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, _: os._exit(128 + number))
    from firth.cli import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
