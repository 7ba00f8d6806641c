"""`python -m srcnn`, the same as the program `srcnn`."""

from srcnn.cli.program import main

raise SystemExit(main())
