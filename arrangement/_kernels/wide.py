"""Integers of two words, and words of sixteen rays at once, as machine instructions.

A number is (high, low), int64 each: the two halves of 128 bits in two's complement.
All arithmetic is modulo 2**128; whoever calls proves what that means.
"""

from __future__ import annotations

from typing import Any

from numba import config, types
from numba.extending import intrinsic

from arrangement._kernels.bits import load_vector, spread_value

# words that are compared together
LANES = 16
_WORD = (1 << 64) - 1


def _join(builder: Any, high: Any, low: Any) -> Any:
    """Emit the number of two words."""
    from llvmlite import ir

    wide = ir.IntType(128)
    upper = builder.shl(builder.sext(high, wide), ir.Constant(wide, 64))
    return builder.or_(upper, builder.zext(low, wide))


def _split(builder: Any, value: Any) -> list[Any]:
    """Emit the two words of a number."""
    from llvmlite import ir

    wide, word = ir.IntType(128), ir.IntType(64)
    high = builder.lshr(value, ir.Constant(wide, 64))
    return [builder.trunc(high, word), builder.trunc(value, word)]


def _two_words(emit: Any, n_arguments: int, n_numbers: int = 1) -> Any:
    """Return the type and the code of an intrinsic from int64 to some numbers."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = emit(builder, *args)
        words = [word for number in numbers for word in _split(builder, number)]
        return context.make_tuple(builder, signature.return_type, words)

    result = types.UniTuple(types.int64, 2 * n_numbers)
    return result(*[types.int64] * n_arguments), codegen


@intrinsic
def _add_product(typingctx: Any, high: Any, low: Any, a: Any, b: Any) -> Any:
    def emit(builder: Any, high: Any, low: Any, a: Any, b: Any) -> list[Any]:
        from llvmlite import ir

        wide = ir.IntType(128)
        product = builder.mul(builder.sext(a, wide), builder.sext(b, wide))
        return [builder.add(_join(builder, high, low), product)]

    return _two_words(emit, 4)


@intrinsic
def _multiply(typingctx: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> Any:
    def emit(builder: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> list[Any]:
        return [builder.mul(_join(builder, a1, a0), _join(builder, b1, b0))]

    return _two_words(emit, 4)


@intrinsic
def _subtract(typingctx: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> Any:
    def emit(builder: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> list[Any]:
        return [builder.sub(_join(builder, a1, a0), _join(builder, b1, b0))]

    return _two_words(emit, 4)


@intrinsic
def _shift(typingctx: Any, high: Any, low: Any, count: Any) -> Any:
    def emit(builder: Any, high: Any, low: Any, count: Any) -> list[Any]:
        from llvmlite import ir

        places = builder.zext(count, ir.IntType(128))
        return [builder.ashr(_join(builder, high, low), places)]

    return _two_words(emit, 3)


@intrinsic
def _odd_step(typingctx: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> Any:
    def emit(builder: Any, a1: Any, a0: Any, b1: Any, b0: Any) -> list[Any]:
        from llvmlite import ir

        a, b = _join(builder, a1, a0), _join(builder, b1, b0)
        is_more = builder.icmp_unsigned(">", a, b)
        rest = builder.select(is_more, builder.sub(a, b), builder.sub(b, a))
        count = builder.cttz(rest, ir.Constant(ir.IntType(1), 0))
        return [builder.lshr(rest, count), builder.select(is_more, b, a)]

    return _two_words(emit, 4, 2)


def _number(high: Any, low: Any) -> int:
    return (int(high) << 64) + (int(low) & _WORD)


def _words(value: int) -> tuple[Any, ...]:
    import numpy as np

    parts = (value >> 64 & _WORD, value & _WORD)
    return tuple(np.int64(x - (x >> 63 << 64)) for x in parts)


def _add_product_python(high: Any, low: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return _words(_number(high, low) + int(a) * int(b))


def _multiply_python(a1: Any, a0: Any, b1: Any, b0: Any) -> tuple[Any, ...]:
    return _words(_number(a1, a0) * _number(b1, b0))


def _subtract_python(a1: Any, a0: Any, b1: Any, b0: Any) -> tuple[Any, ...]:
    return _words(_number(a1, a0) - _number(b1, b0))


def _shift_python(high: Any, low: Any, count: int) -> tuple[Any, ...]:
    return _words(_number(high, low) >> int(count))


def _odd_step_python(a1: Any, a0: Any, b1: Any, b0: Any) -> tuple[Any, ...]:
    a, b = (_number(*x) % (1 << 128) for x in ((a1, a0), (b1, b0)))
    rest = abs(a - b)
    rest //= rest & -rest
    return *_words(rest), *_words(min(a, b))


@intrinsic
def _sharing(typingctx: Any, columns: Any, start: Any, words: Any, least: Any) -> Any:
    from llvmlite import ir
    from numba.core import cgutils

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.IntType(64), LANES)
        kind = ir.FunctionType(vector, [vector])
        name = f"llvm.ctpop.v{LANES}i64"
        count = cgutils.get_or_insert_function(builder.module, kind, name)

        def emit(column: Any, word: Any) -> Any:
            common = builder.and_(column, spread_value(builder, word, vector))
            return builder.call(count, [common])

        total = _over_words(context, builder, signature, args, emit, "add")
        enough = spread_value(builder, args[3], vector)
        return _flags(builder, builder.icmp_signed(">=", total, enough))

    return types.uint64(columns, types.int64, words, types.int64), codegen


@intrinsic
def _covering(typingctx: Any, columns: Any, start: Any, words: Any) -> Any:
    from llvmlite import ir

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(ir.IntType(64), LANES)

        def emit(column: Any, word: Any) -> Any:
            outside = builder.not_(column)
            return builder.and_(outside, spread_value(builder, word, vector))

        total = _over_words(context, builder, signature, args, emit, "or_")
        none = ir.Constant(vector, [0] * LANES)
        return _flags(builder, builder.icmp_signed("==", total, none))

    return types.uint64(columns, types.int64, words), codegen


def _over_words(
    context: Any, builder: Any, signature: Any, args: Any, emit: Any, join: str
) -> Any:
    """Emit what each word of sixteen columns gives with ``words``, all together."""
    from llvmlite import ir
    from numba.core import cgutils

    vector = ir.VectorType(ir.IntType(64), LANES)
    kind, entries = signature.args[0], signature.args[2]
    array = context.make_array(kind)(context, builder, args[0])
    words = context.make_array(entries)(context, builder, args[2])
    n_words, size = cgutils.unpack_tuple(builder, array.shape)
    total = cgutils.alloca_once_value(builder, ir.Constant(vector, [0] * LANES))
    with cgutils.for_range(builder, n_words) as loop:
        begin = builder.add(builder.mul(loop.index, size), args[1])
        column = load_vector(context, builder, kind, args[0], begin, vector)
        word = builder.load(builder.gep(words.data, [loop.index]))
        found = getattr(builder, join)(builder.load(total), emit(column, word))
        builder.store(found, total)
    return builder.load(total)


def _flags(builder: Any, flags: Any) -> Any:
    from llvmlite import ir

    bits = builder.bitcast(flags, ir.IntType(LANES))
    return builder.zext(bits, ir.IntType(64))


def _sharing_python(columns: Any, start: int, words: Any, least: int) -> Any:
    import numpy as np

    part = columns[:, start : start + LANES]
    counts = [
        sum((int(x) & int(word)).bit_count() for x, word in zip(c, words, strict=True))
        for c in part.T
    ]
    return np.uint64(sum(1 << k for k, count in enumerate(counts) if count >= least))


def _covering_python(columns: Any, start: int, words: Any) -> Any:
    import numpy as np

    part = columns[:, start : start + LANES]
    covers = [
        not any(int(word) & ~int(x) for x, word in zip(c, words, strict=True))
        for c in part.T
    ]
    return np.uint64(sum(1 << k for k, flag in enumerate(covers) if flag))


# (high, low) plus a product of two words; the product of two numbers; their difference
add_product: Any = _add_product_python if config.DISABLE_JIT else _add_product
multiply: Any = _multiply_python if config.DISABLE_JIT else _multiply
subtract: Any = _subtract_python if config.DISABLE_JIT else _subtract
# a number over ``2**count``, rounded down; 0 <= count < 128
shift: Any = _shift_python if config.DISABLE_JIT else _shift
# of two odd numbers, not equal: their difference without its twos, and the smaller one
odd_step: Any = _odd_step_python if config.DISABLE_JIT else _odd_step
# of sixteen ``columns`` (n_words, size) from ``start`` on: which have ``least`` bits in
# common with ``words`` (n_words,) or more; which have all bits of them.  Vectors, as a
# loop over pairs of rays took a quarter of the time of a walk in rank 8
sharing: Any = _sharing_python if config.DISABLE_JIT else _sharing
covering: Any = _covering_python if config.DISABLE_JIT else _covering
