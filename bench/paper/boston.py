"""Figure 7: Boston housing, n = 400, d = 13, m = 12, batches of 25.

What the paper leaves open is said in `bench.paper.regression`.
"""

from __future__ import annotations

from bench.paper.common import Options, Result
from bench.paper.regression import Case, run_case

CASE = Case(
    name="boston",
    table="boston",
    title="Boston housing",
    n=400,
    batch=25,
    seconds=20.0,
    component_seconds=(15.0, 30.0),
    directions=200,
)


def run(options: Options) -> Result:
    return run_case(CASE, options)
