"""Figure 8: kinematics of a robot arm, n = 4000, d = 8, m = 12, batches of 25.

The data are kin8nm of DELVE, which has these columns; the paper does not say more than
"kinematics".  What it leaves open else is said in `bench.paper.regression`.
"""

from __future__ import annotations

from bench.paper.common import Options, Result
from bench.paper.regression import Case, run_case

CASE = Case(
    name="kinematics",
    table="kin8nm",
    title="Kinematics (kin8nm)",
    n=4000,
    batch=25,
    seconds=30.0,
    component_seconds=(40.0, 40.0),
    quick=(60, 2),
)


def run(options: Options) -> Result:
    return run_case(CASE, options)
