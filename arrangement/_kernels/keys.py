"""Rows in the order in which they cross a line, as 16-bit keys.

On a line with the values ``beta_k + alpha_k t`` row k vanishes at t_k = -beta_k /
alpha_k.  ``f_k = t_k / (1 + |t_k|) = -sgn(alpha_k) beta_k / (|alpha_k| + |beta_k|)``
rises with t_k, and its key is ``floor(32000 f_k + 32500) - 32500``.  One vector compare
of 16-bit keys tells the order of 32 rows, where the values would take one compare,
two products and a sum for 8.

If alpha_k and beta_k are off by at most E < |alpha_k| and E0, f_k is off by at most
``(E + E0) / (s - E - E0)``, s = |alpha_k| + |beta_k|, as both partial derivatives are
at most 1 / s; for s > 2**18 (E + E0) that is below 2**-17.99.  Two roundings add less
than 2**-50, two more less than 2**-36 to 32500 + 32000 f_k: that number is off by less
than 0.13.  So of two rows whose keys differ by 2 or more, the lesser key comes
first on the line, without doubt.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import config, types
from numba.extending import intrinsic

from arrangement._kernels.bits import load_vector, spread_value

# s must be so many times above the errors
CERTAIN = 2.0**18
_SCALE, _SHIFT, _MOST = 32000.0, 32500.0, 2.0**1000


@intrinsic
def _order_rows(
    typingctx: Any, alpha: Any, beta: Any, start: Any, off: Any, least: Any, keys: Any
) -> Any:
    from llvmlite import ir

    doubles = ir.VectorType(ir.DoubleType(), 64)
    longs = ir.VectorType(ir.IntType(64), 64)
    ints = ir.VectorType(ir.IntType(32), 64)
    shorts = ir.VectorType(ir.IntType(16), 64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def constant(value: float) -> Any:
            return ir.Constant(doubles, [value] * 64)

        def size(vector: Any) -> Any:
            mask = ir.Constant(longs, [(1 << 63) - 1] * 64)
            masked = builder.and_(builder.bitcast(vector, longs), mask)
            return builder.bitcast(masked, doubles)

        a = load_vector(context, builder, signature.args[0], args[0], args[2], doubles)
        b = load_vector(context, builder, signature.args[1], args[1], args[2], doubles)
        total = builder.fadd(size(a), size(b))
        off_all = spread_value(builder, args[3], doubles)
        least_all = spread_value(builder, args[4], doubles)
        sure = builder.and_(
            builder.fcmp_ordered(">", size(a), off_all),
            builder.and_(
                builder.fcmp_ordered(">", total, least_all),
                builder.fcmp_ordered("<", total, constant(_MOST)),
            ),
        )
        negative = builder.fcmp_ordered("<", a, constant(0.0))
        # where a row is not sure, any number does: it has to be one
        above = builder.select(negative, b, builder.fneg(b))
        above = builder.select(sure, above, constant(0.0))
        ratio = builder.fdiv(above, builder.select(sure, total, constant(1.0)))
        place = builder.fadd(builder.fmul(ratio, constant(_SCALE)), constant(_SHIFT))
        whole = builder.sub(
            builder.fptosi(place, ints), ir.Constant(ints, [int(_SHIFT)] * 64)
        )
        data = context.make_array(signature.args[5])(context, builder, args[5]).data
        target = builder.bitcast(builder.gep(data, [args[2]]), shorts.as_pointer())
        builder.store(builder.trunc(whole, shorts), target, align=2)
        word = ir.IntType(64)
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.bitcast(negative, word), builder.bitcast(sure, word)],
        )

    result = types.UniTuple(types.uint64, 2)
    return result(alpha, beta, types.int64, off, least, keys), codegen


def _order_rows_python(
    alpha: Any, beta: Any, start: int, off: float, least: float, keys: Any
) -> tuple[Any, Any]:
    negative = sure = 0
    for k in range(64):
        a, b = float(alpha[start + k]), float(beta[start + k])
        total = abs(a) + abs(b)
        is_sure = abs(a) > off and least < total < _MOST
        ratio = (b if a < 0.0 else -b) / total if is_sure else 0.0
        keys[start + k] = math.floor(ratio * _SCALE + _SHIFT) - int(_SHIFT)
        negative |= int(a < 0.0) << k
        sure |= int(is_sure) << k
    return np.uint64(negative), np.uint64(sure)


@intrinsic
def _compare_keys(typingctx: Any, keys: Any, start: Any, key: Any) -> Any:
    from llvmlite import ir

    shorts = ir.VectorType(ir.IntType(16), 64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        short, word = ir.IntType(16), ir.IntType(64)
        own = builder.trunc(args[2], short)
        low = builder.sub(own, ir.Constant(short, 1))
        high = builder.add(own, ir.Constant(short, 1))
        values = load_vector(
            context, builder, signature.args[0], args[0], args[1], shorts
        )
        before = builder.icmp_signed("<", values, spread_value(builder, low, shorts))
        after = builder.icmp_signed(">", values, spread_value(builder, high, shorts))
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.bitcast(before, word), builder.bitcast(after, word)],
        )

    result = types.UniTuple(types.uint64, 2)
    return result(keys, types.int64, types.int64), codegen


def _compare_keys_python(keys: Any, start: int, key: int) -> tuple[Any, Any]:
    before = after = 0
    for k in range(64):
        before |= int(int(keys[start + k]) < key - 1) << k
        after |= int(int(keys[start + k]) > key + 1) << k
    return np.uint64(before), np.uint64(after)


# write the keys of 64 rows; which of them have alpha < 0, and whose keys are certain
order_rows: Any = _order_rows_python if config.DISABLE_JIT else _order_rows
# which of 64 rows come without doubt before a key, and which after it
compare_keys: Any = _compare_keys_python if config.DISABLE_JIT else _compare_keys
