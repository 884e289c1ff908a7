"""`extract_patches`: the windows of signals and images that a convolution sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from arrangement import InputError, InputTypeError
from arrangement.exact import exact_array

# What `data` must look like for a size of one or of two numbers.
_LAYOUTS = {
    1: ("signals", "(n, length) or (n, length, channels)"),
    2: ("images", "(n, height, width) or (n, height, width, channels)"),
}


def extract_patches(
    data: ArrayLike | Any,
    size: int | tuple[int] | tuple[int, int],
    *,
    stride: int | tuple[int] | tuple[int, int] = 1,
) -> NDArray[Any]:
    """Cut every sample into its patches: all windows that fit, ``stride`` apart.

    The form of ``size`` says what the data are: one number for signals, a pair for
    images.  Data of three axes are either: there one number is refused, as greyscale
    images would be read as signals, and ``(h,)`` asks for signals with channels.

    Parameters
    ----------
    data : array_like
        With ``size=h``: signals (n, length).  With ``size=(h,)``: these, or (n, length,
        channels).  With ``size=(h, w)``: images (n, height, width) or (n, height,
        width, channels).
        Any dtype, which is kept (exact numbers stay exact); not modified.
    size : int, (int,) or (int, int)
        Of a window, at least 1 and at most the sample's.
    stride : int or (int, int)
        From one window to the next, at least 1 and at most the sample's size; one
        number serves both axes of images.

    Returns
    -------
    ndarray, shape (n, K, d), C order
        A copy.  ``K = ((length - h) // stride + 1)``, for images the product over both
        axes; what is left at the far edge, shorter than a window or not reached by
        the stride, is in no patch.  Windows are ordered by row, then column.  ``d`` is
        ``h * channels`` or ``h * w * channels``; within a patch the channel changes
        fastest, then the column, then the row.

    Raises
    ------
    InputError
        No samples, no channels, a window or a stride larger than the sample, sizes
        below 1, data of another shape, or one that can be read in two ways.
    InputTypeError
        ``size`` or ``stride`` is no int or pair of ints.

    Notes
    -----
    ``[:, k]`` is the matrix ``X_k`` of Pilanci & Ergen (2020), Section 4.

    Examples
    --------
    >>> extract_patches([[1, 2, 3, 4, 5]], 3, stride=2).tolist()
    [[[1, 2, 3], [3, 4, 5]]]
    >>> extract_patches([[[1, 2, 3], [4, 5, 6]]], (2, 2)).tolist()
    [[[1, 2, 4, 5], [2, 3, 5, 6]]]
    """
    window = _counts(size, "size")
    axes = len(window)
    steps = _counts(stride, "stride")
    if len(steps) == 1:
        steps = steps * axes
    if len(steps) != axes:
        raise InputError(
            f"stride has {len(steps)} numbers and size has 1; give one stride for "
            "signals."
        )
    samples = exact_array(data, name="data")
    shape = samples.shape
    kind, layout = _LAYOUTS[axes]
    if samples.ndim not in (axes + 1, axes + 2):
        raise InputError(
            f"data has shape {samples.shape}; size={size!r} asks for {kind}, expected "
            f"{layout}. Give size as {'a pair' if axes == 1 else 'one number'} for "
            f"{_LAYOUTS[3 - axes][0]}."
        )
    if samples.ndim == axes + 1:
        samples = samples[..., None]
    if 0 in (samples.shape[0], samples.shape[-1]):
        raise InputError(
            f"data has shape {shape}: no samples or no channels, so the set "
            "of patches is empty. Give at least one of each."
        )
    if axes == 1 and len(shape) == 3 and not isinstance(size, tuple | list):
        raise InputError(
            f"data has shape {shape}, which may be greyscale images or signals with "
            f"channels; size={size!r} does not say. Give size=({size}, {size}) for "
            f"windows of images, size=({size},) for windows of signals."
        )
    extent = samples.shape[1:-1]
    for name, values in (("size", window), ("stride", steps)):
        if any(v > e for v, e in zip(values, extent, strict=True)):
            raise InputError(
                f"{name}={size if name == 'size' else stride!r} is larger than the "
                f"{kind}, {' x '.join(map(str, extent))}; expected at most that."
            )
    spatial = tuple(range(1, axes + 1))
    windows = sliding_window_view(samples, window, axis=spatial)
    windows = windows[(slice(None), *(slice(None, None, s) for s in steps))]
    # (n, places.., channel, window..) -> (n, places.., window.., channel)
    ordered = np.moveaxis(windows, axes + 1, -1)
    n_patches = int(np.prod(ordered.shape[1 : axes + 1]))
    return np.array(ordered.reshape(len(samples), n_patches, -1), order="C")


def _counts(value: int | tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return one or two positive ints as a tuple."""
    parts = tuple(value) if isinstance(value, tuple | list) else (value,)
    is_whole = [
        isinstance(x, int | np.integer) and not isinstance(x, bool) for x in parts
    ]
    if not (len(parts) in (1, 2) and all(is_whole)):
        raise InputTypeError(
            f"{name}={value!r}; expected an int for signals or a pair of ints for "
            "images."
        )
    if any(x < 1 for x in parts):
        raise InputError(f"{name}={value!r}; expected at least 1.")
    return tuple(int(x) for x in parts)
