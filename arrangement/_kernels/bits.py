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


def load_vector(
    context: Any, builder: Any, kind: Any, array: Any, start: Any, vector: Any
) -> Any:
    """Emit the load of a vector from place ``start`` of an array on."""
    data = context.make_array(kind)(context, builder, array).data
    place = builder.gep(data, [start])
    align = vector.element.width // 8 if hasattr(vector.element, "width") else 8
    return builder.load(builder.bitcast(place, vector.as_pointer()), align=align)


def spread_value(builder: Any, value: Any, vector: Any) -> Any:
    """Emit a vector all of whose elements are one value."""
    from llvmlite import ir

    index = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(index, 0))
    zeros = ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, undefined, zeros)


@intrinsic
def _subtract_multiple(
    typingctx: Any, target: Any, source: Any, other: Any, start: Any, weight: Any
) -> Any:
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), 64)

        def load(position: int) -> Any:
            kind, array = signature.args[position], args[position]
            return load_vector(context, builder, kind, array, args[3], vector)

        product = builder.fmul(load(2), spread_value(builder, args[4], vector))
        values = builder.fsub(load(1), product)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.gep(data, [args[3]])
        builder.store(values, builder.bitcast(place, vector.as_pointer()), align=8)
        # sizes of floats are ordered as their bits; what is no number is largest
        long = ir.IntType(64)
        most = builder.and_(
            builder.bitcast(values, ir.VectorType(long, 64)),
            ir.Constant(ir.VectorType(long, 64), [(1 << 63) - 1] * 64),
        )
        undefined = ir.Undefined
        count = 64
        while count > 1:
            count //= 2
            halves = [
                builder.shuffle_vector(
                    most,
                    ir.Constant(most.type, undefined),
                    ir.Constant(
                        ir.VectorType(ir.IntType(32), count),
                        list(range(first, first + count)),
                    ),
                )
                for first in (0, count)
            ]
            is_more = builder.icmp_unsigned(">", *halves)
            most = builder.select(is_more, *halves)
        largest = builder.extract_element(most, ir.Constant(ir.IntType(32), 0))
        return builder.bitcast(largest, ir.DoubleType())

    result = types.float64(target, source, other, types.int64, weight)
    return result, codegen


def _subtract_multiple_python(
    target: Any, source: Any, other: Any, start: int, weight: float
) -> Any:
    part = slice(start, start + 64)
    target[part] = source[part] - other[part] * weight
    return np.max(np.abs(target[part]))


@intrinsic
def _compare_words(
    typingctx: Any,
    alpha: Any,
    beta: Any,
    start: Any,
    apart: Any,
    p: Any,
    q: Any,
    bound: Any,
) -> Any:
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_value_type(alpha.dtype), 64)

        def load(position: int) -> Any:
            kind, array = signature.args[position], args[position]
            begin = builder.add(args[2], args[3]) if position else args[2]
            return load_vector(context, builder, kind, array, begin, vector)

        def spread(value: Any) -> Any:
            return spread_value(builder, value, vector)

        values = builder.fadd(
            builder.fmul(load(0), spread(args[4])),
            builder.fmul(load(1), spread(args[5])),
        )
        word = ir.IntType(64)
        above = builder.fcmp_ordered(">", values, spread(args[6]))
        below = builder.fcmp_ordered("<", values, spread(builder.fneg(args[6])))
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.bitcast(above, word), builder.bitcast(below, word)],
        )

    result = types.UniTuple(types.uint64, 2)
    factor = alpha.dtype
    start_type = types.int64
    arguments = (alpha, beta, start_type, start_type, factor, factor, factor)
    return result(*arguments), codegen


def _compare_words_python(
    alpha: Any, beta: Any, start: int, apart: int, p: float, q: float, bound: float
) -> tuple[Any, Any]:
    above = below = 0
    for k in range(64):
        value = alpha[start + k] * p + beta[start + apart + k] * q
        above |= int(value > bound) << k
        below |= int(value < -bound) << k
    return np.uint64(above), np.uint64(below)


@intrinsic
def _compare_products(
    typingctx: Any, coords: Any, start: Any, point: Any, bound: Any
) -> Any:
    from llvmlite import ir
    from numba.core import cgutils

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.DoubleType(), 64)
        kind, entries = signature.args[0], signature.args[2]
        array = context.make_array(kind)(context, builder, args[0])
        factors = context.make_array(entries)(context, builder, args[2])
        rank, places = cgutils.unpack_tuple(builder, array.shape)
        fused = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            "llvm.fmuladd.v64f64",
        )
        total = cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * 64))
        with cgutils.for_range(builder, rank) as loop:
            begin = builder.add(builder.mul(loop.index, places), args[1])
            rows = load_vector(context, builder, kind, args[0], begin, vector)
            factor = builder.load(builder.gep(factors.data, [loop.index]))
            product = [rows, spread_value(builder, factor, vector)]
            values = builder.call(fused, [*product, builder.load(total)])
            builder.store(values, total)
        values = builder.load(total)
        word = ir.IntType(64)
        above = builder.fcmp_ordered(
            ">", values, spread_value(builder, args[3], vector)
        )
        least = spread_value(builder, builder.fneg(args[3]), vector)
        below = builder.fcmp_ordered("<", values, least)
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.bitcast(above, word), builder.bitcast(below, word)],
        )

    if coords.layout != "C" or point.layout != "C":
        return None
    result = types.UniTuple(types.uint64, 2)
    return result(coords, types.int64, point, bound), codegen


def _compare_products_python(
    coords: Any, start: int, point: Any, bound: float
) -> tuple[Any, Any]:
    values = np.zeros(64)
    with np.errstate(invalid="ignore", over="ignore"):
        for rows, factor in zip(coords, point, strict=True):
            values += rows[start : start + 64] * factor
    flags = [1 << k for k in range(64)]
    above = sum(
        flag for flag, value in zip(flags, values, strict=True) if value > bound
    )
    below = sum(
        flag for flag, value in zip(flags, values, strict=True) if value < -bound
    )
    return np.uint64(above), np.uint64(below)


# which of 64 values alpha p + beta q are above bound, and which below -bound, in the
# precision of alpha and beta, beta read ``apart`` places further on; the vector compare
# becomes a few machine instructions, where a loop over bits took four times as long
compare_words: Any = _compare_words_python if config.DISABLE_JIT else _compare_words
# 64 of ``target = source - other * weight``; returns the largest size of them
subtract_multiple: Any = (
    _subtract_multiple_python if config.DISABLE_JIT else _subtract_multiple
)
# which of the 64 rows from ``start`` on have a product with a point above bound, and
# which below -bound; ``coords`` (r, places) and ``point`` (r,) are contiguous, each
# product is added with one rounding or two, and the sums stay in registers
compare_products: Any = (
    _compare_products_python if config.DISABLE_JIT else _compare_products
)
