"""`python -m srcnn`, the same as the program `srcnn`."""

import sys

from srcnn.cli.program import main

sys.exit(main())
