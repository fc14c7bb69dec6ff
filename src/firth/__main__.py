"""`python -m firth` is the command `firth`."""

import sys

from firth.cli import main

sys.exit(main())
