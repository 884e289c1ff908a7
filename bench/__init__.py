"""Benchmarks: ``python -m bench.run [names]`` in a checkout runs them."""

import sys
from pathlib import Path

# The families and slow references of the tests serve the benchmarks too.  Last on the
# path: folders of tests may be named like modules of the library.
TESTS = str(Path(__file__).resolve().parent.parent / "tests")
if TESTS not in sys.path:
    sys.path.append(TESTS)
