"""The data of a program as they were given, for certificates that read them anew."""

import numpy as np


def raw_data(program):
    """Return X, (n, d) or (n, K, d), and y: float64 where that is exact."""
    rows = program.data.rows
    shape = (-1, rows.width)
    if rows.n_patches > 1:
        shape = (rows.n_samples, rows.n_patches, rows.width)
    X = exact_array([x for row in rows.exact for x in row]).reshape(shape)
    return X, exact_array(program.data.y_exact)


def raw_weights(program):
    exact = program.data.weights_exact
    return None if exact is None else exact_array(exact)


def exact_array(numbers):
    exact = np.array([*numbers, None], dtype=object)[:-1]
    rounded = exact.astype(float)
    return (
        rounded
        if [*map(float.as_integer_ratio, rounded.tolist())]
        == [x.as_integer_ratio() for x in numbers]
        else exact
    )
