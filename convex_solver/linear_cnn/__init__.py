"""Linear, minimum-norm and circular CNNs and the Newton method behind them."""

from convex_solver.linear_cnn.circular import (
    CircularCNNProgram,
    reduce_circular_cnn,
    solve_circular_cnn,
)
from convex_solver.linear_cnn.linear import LinearCNNProgram, solve_linear_cnn
from convex_solver.linear_cnn.minimum_norm import (
    MinimumNormLinearCNN,
    MinimumNormSolution,
    solve_minimum_norm_cnn,
)
from convex_solver.linear_cnn.solution import CNNSolution

__all__ = [
    "CNNSolution",
    "CircularCNNProgram",
    "LinearCNNProgram",
    "MinimumNormLinearCNN",
    "MinimumNormSolution",
    "reduce_circular_cnn",
    "solve_circular_cnn",
    "solve_linear_cnn",
    "solve_minimum_norm_cnn",
]
