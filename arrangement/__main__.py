"""Run the command line: ``python -m arrangement``."""

import sys

from arrangement.cli import main

if __name__ == "__main__":
    sys.exit(main())
