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


@intrinsic
def _compare_words(
    typingctx: Any, alpha: Any, beta: Any, start: Any, p: Any, q: Any, bound: Any
) -> Any:
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), 64)

        def load(kind: Any, value: Any) -> Any:
            data = context.make_array(kind)(context, builder, value).data
            place = builder.gep(data, [args[2]])
            return builder.load(builder.bitcast(place, vector.as_pointer()), align=8)

        def spread(value: Any) -> Any:
            one = builder.insert_element(
                ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
            )
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
            return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)

        values = builder.fadd(
            builder.fmul(load(signature.args[0], args[0]), spread(args[3])),
            builder.fmul(load(signature.args[1], args[1]), spread(args[4])),
        )
        word = ir.IntType(64)
        above = builder.fcmp_ordered(">", values, spread(args[5]))
        below = builder.fcmp_ordered("<", values, spread(builder.fneg(args[5])))
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.bitcast(above, word), builder.bitcast(below, word)],
        )

    result = types.UniTuple(types.uint64, 2)
    return result(alpha, beta, types.int64, p, q, bound), codegen


def _compare_words_python(
    alpha: Any, beta: Any, start: int, p: float, q: float, bound: float
) -> tuple[Any, Any]:
    above = below = 0
    for k in range(64):
        value = alpha[start + k] * p + beta[start + k] * q
        above |= int(value > bound) << k
        below |= int(value < -bound) << k
    return np.uint64(above), np.uint64(below)


# which of 64 values alpha p + beta q are above bound, and which below -bound; the
# vector compare becomes a few machine instructions, where a loop over bits took four
# times as long
compare_words: Any = _compare_words_python if config.DISABLE_JIT else _compare_words
