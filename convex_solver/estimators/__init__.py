"""scikit-learn estimators: the certified optimum behind `fit` and `predict`.

The only room that imports scikit-learn.  `convex_solver.ConvexReLURegressor` and
`convex_solver.ConvexReLUClassifier` load it when they are first asked for.
"""

from convex_solver.estimators.classifier import ConvexReLUClassifier
from convex_solver.estimators.regressor import ConvexReLURegressor

__all__ = ["ConvexReLUClassifier", "ConvexReLURegressor"]
