"""The decorators of `arrangement._kernels.compile`: one set for both packages."""

from __future__ import annotations

from arrangement._kernels.compile import (
    bare_inlined,
    bare_inner,
    bare_kernel,
    inlined,
    inner,
    kernel,
)

__all__ = ["bare_inlined", "bare_inner", "bare_kernel", "inlined", "inner", "kernel"]
