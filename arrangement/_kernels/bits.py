"""Word operations that Numba does not offer by itself.

Words are uint64 throughout: in Numba ``uint64 + int64`` is int64, and ``uint64 ==
int64`` compares as float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import config, types
from numba.extending import intrinsic

ZERO = np.uint64(0)
ONE = np.uint64(1)


@intrinsic
def _popcount(typingctx: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@intrinsic
def _lowest(typingctx: Any, word: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), codegen


def _popcount_python(word: Any) -> int:
    return int(word).bit_count()


def _lowest_python(word: Any) -> int:
    value = int(word)
    return (value & -value).bit_length() - 1 if value else 64


# an intrinsic cannot run in the interpreter, where NUMBA_DISABLE_JIT puts the kernels
popcount: Any = _popcount_python if config.DISABLE_JIT else _popcount
lowest: Any = _lowest_python if config.DISABLE_JIT else _lowest
