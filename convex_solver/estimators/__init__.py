"""scikit-learn estimators: the certified optimum behind `fit` and `predict`.

The only room that imports scikit-learn.  `convex_solver.ConvexReLURegressor` and the
others load it when they are first asked for.
"""

from convex_solver.estimators.classifier import ConvexReLUClassifier
from convex_solver.estimators.classifier_cv import ConvexReLUClassifierCV
from convex_solver.estimators.regressor import ConvexReLURegressor
from convex_solver.estimators.regressor_cv import ConvexReLURegressorCV

__all__ = [
    "ConvexReLUClassifier",
    "ConvexReLUClassifierCV",
    "ConvexReLURegressor",
    "ConvexReLURegressorCV",
]
