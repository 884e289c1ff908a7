"""Run the command line: ``python -m convex_solver``."""

import sys

from convex_solver.cli import main

if __name__ == "__main__":
    sys.exit(main())
