"""Figure 9: rejections at banks, n = 4000, d = 32, m = 12, batches of 25.

The data are bank32nh of DELVE, which has these columns; the paper does not say more
than "bank".  What it leaves open else is said in `bench.paper.regression`.
"""

from __future__ import annotations

from bench.paper.common import Options, Result
from bench.paper.regression import Case, run_case

CASE = Case(
    name="bank",
    table="bank32nh",
    title="Bank (bank32nh)",
    n=4000,
    batch=25,
    seconds=30.0,
    component_seconds=(40.0, 40.0),
    quick=(60, 9),
)


def run(options: Options) -> Result:
    return run_case(CASE, options)
