"""A register of floats as a value: what the hot loops are written in.

`Lanes` is one vector register (16 floats with AVX-512, else 8), so a kernel says which numbers stay in registers
and which come from memory, and does not depend on what the compiler guesses.

    load(table, row, at)            table[row, at : at + LANES]
    store(table, row, at, x)        table[row, at : at + LANES] = x
    splat(number)                   the number in every lane
    x + y, x - y, x * y, x / y      lane by lane; a product that is added becomes one fused instruction
    low(x, y), high(x, y)           minimum and maximum, lane by lane
    store_totals(table, row, at, a, b, c, d, e, f)    table[row, at : at + 8] = the sums of the six, 0, 0
    nearest(x), power_of_two(n)     round to whole numbers; 2^n for whole -126 <= n <= 127
    inverse_root(x)                 1 / sqrt(x) for x > 0, off by less than 7e-4 of it
    prefetch(table, row, at)        asks for the cache line of table[row, at], to write to it; changes nothing
    ask(array, at)                  the same of array[at], of one dimension, to read it

With NUMBA_DISABLE_JIT=1 the same names are NumPy on slices, so a kernel can be stepped through.
"""

import operator
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config as numba_config
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

from firth.kernels.compiled import inlined

LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8

_INVERSE_ROOT = 0x5F1FFFF9

if numba_config.DISABLE_JIT:

    def load(table: Any, row: int, at: int) -> Any:
        return table[row, at : at + LANES].copy()

    def store(table: Any, row: int, at: int, x: Any) -> None:
        table[row, at : at + LANES] = x

    def splat(number: Any) -> Any:
        return np.full(LANES, number, np.float32)

    def low(x: Any, y: Any) -> Any:
        return np.minimum(x, y)

    def high(x: Any, y: Any) -> Any:
        return np.maximum(x, y)

    def nearest(x: Any) -> Any:
        return np.rint(x)

    def power_of_two(n: Any) -> Any:
        return np.exp2(n)

    def _inverse_root_bits(x: Any) -> Any:
        return (np.int32(_INVERSE_ROOT) - (x.view(np.int32) >> 1)).view(np.float32)

    def store_totals(table: Any, row: int, at: int, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> None:
        table[row, at : at + 8] = [*(x.sum() for x in (a, b, c, d, e, f)), 0, 0]

    def prefetch(table: Any, row: int, at: int) -> None:
        pass

    def ask(array: Any, at: int) -> None:
        pass

else:
    _FAST = ("reassoc", "contract", "arcp", "nsz")  # as in compiled.py: NaN stays NaN
    _REGISTER = ir.VectorType(ir.FloatType(), LANES)

    class LanesType(types.Type):
        """LANES floats in one register."""

        def __init__(self) -> None:
            super().__init__(name=f"f4x{LANES}")

    lanes = LanesType()

    @register_model(LanesType)
    class _LanesModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _REGISTER)

    def _pointer(context: Any, builder: Any, array_type: Any, array: Any, row: Any, at: Any) -> Any:
        """The address of array[row, at] as a pointer to a register; indices are not checked."""
        made = context.make_array(array_type)(context, builder, array)
        shape = cgutils.unpack_tuple(builder, made.shape)
        strides = cgutils.unpack_tuple(builder, made.strides)
        indices = [_as_int64(builder, row), _as_int64(builder, at)]
        address = cgutils.get_item_pointer2(
            context, builder, made.data, shape, strides, array_type.layout, indices, False, False
        )
        return builder.bitcast(address, _REGISTER.as_pointer())

    def _as_int64(builder: Any, index: Any) -> Any:
        return builder.sext(index, ir.IntType(64)) if index.type.width < 64 else index

    @intrinsic
    def load(typing: Any, table: Any, row: Any, at: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(_pointer(context, builder, signature.args[0], *args))
            value.align = 4
            return value

        return lanes(table, row, at), code

    @intrinsic
    def store(typing: Any, table: Any, row: Any, at: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[3], _pointer(context, builder, signature.args[0], *args[:3]), align=4)
            return context.get_dummy_value()

        return types.void(table, row, at, x), code

    @intrinsic
    def splat(typing: Any, number: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            number = context.cast(builder, args[0], signature.args[0], types.float32)
            first = builder.insert_element(ir.Constant(_REGISTER, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            return builder.shuffle_vector(first, ir.Constant(_REGISTER, ir.Undefined), everywhere)

        return lanes(number), code

    @intrinsic
    def nearest(typing: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(_REGISTER, [_REGISTER])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.rint.v{LANES}f32")
            return builder.call(function, args)

        return lanes(x), code

    @intrinsic
    def power_of_two(typing: Any, n: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            whole = ir.VectorType(ir.IntType(32), LANES)
            biased = builder.add(builder.fptosi(args[0], whole), ir.Constant(whole, [127] * LANES))
            exponent = builder.shl(biased, ir.Constant(whole, [23] * LANES))
            return builder.bitcast(exponent, _REGISTER)

        return lanes(n), code

    @intrinsic
    def _inverse_root_bits(typing: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            whole = ir.VectorType(ir.IntType(32), LANES)
            halved = builder.lshr(builder.bitcast(args[0], whole), ir.Constant(whole, [1] * LANES))
            bits = builder.sub(ir.Constant(whole, [_INVERSE_ROOT] * LANES), halved)
            return builder.bitcast(bits, _REGISTER)

        return lanes(x), code

    @intrinsic
    def prefetch(typing: Any, table: Any, row: Any, at: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            bytes_at = builder.bitcast(_pointer(context, builder, signature.args[0], *args), ir.IntType(8).as_pointer())
            return _asked(context, builder, bytes_at, write=1)

        return types.void(table, row, at), code

    @intrinsic
    def ask(typing: Any, array: Any, at: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            made = context.make_array(signature.args[0])(context, builder, args[0])
            address = builder.gep(made.data, [_as_int64(builder, args[1])])
            return _asked(context, builder, builder.bitcast(address, ir.IntType(8).as_pointer()), write=0)

        return types.void(array, at), code

    def _asked(context: Any, builder: Any, address: Any, write: int) -> Any:
        i4 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, i4, i4, i4])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        keep, data = 3, 1
        builder.call(function, [address, ir.Constant(i4, write), ir.Constant(i4, keep), ir.Constant(i4, data)])
        return context.get_dummy_value()

    @intrinsic
    def store_totals(typing: Any, table: Any, row: Any, at: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            zero = ir.Constant(_REGISTER, [0.0] * LANES)
            sums = _totals(builder, [*args[3:], zero, zero])
            address = _pointer(context, builder, signature.args[0], *args[:3])
            builder.store(sums, builder.bitcast(address, sums.type.as_pointer()), align=4)
            return context.get_dummy_value()

        return types.void(table, row, at, a, b, c, d, e, f), code

    def _totals(builder: Any, registers: list[Any]) -> Any:
        """The sums of eight registers in one vector of eight: halves are folded pairwise, 3 instructions a pair."""
        groups = [[i] for i in range(8)]  # which registers' partial sums lie in each register, in order
        size = LANES  # lanes that hold one register's partial sums
        while len(registers) > 1:
            half = size // 2
            paired = []
            for first, second in zip(registers[::2], registers[1::2], strict=True):
                starts = range(0, LANES, size)
                if size > 4:  # all of the first register, then all of the second: whole 128-bit lanes move
                    low = [p + i for p in (*starts, *(LANES + p for p in starts)) for i in range(half)]
                else:  # in turn: nothing leaves its 128-bit lane
                    low = [p + i for start in starts for p in (start, LANES + start) for i in range(half)]
                paired.append(_fold(builder, first, second, low, half))
            merged = []
            for first, second in zip(groups[::2], groups[1::2], strict=True):
                in_turn = [group for pair in zip(first, second, strict=True) for group in pair]
                merged.append([*first, *second] if size > 4 else in_turn)
            registers, groups, size = paired, merged, half
        if size == 2:
            registers = [_fold(builder, registers[0], registers[0], list(range(0, LANES, 2)), 1)]
        order = [groups[0].index(i) for i in range(8)]
        return _shuffle(builder, registers[0], registers[0], order)

    def _fold(builder: Any, x: Any, y: Any, low: list[int], distance: int) -> Any:
        high = [lane + distance for lane in low]
        return builder.fadd(_shuffle(builder, x, y, low), _shuffle(builder, x, y, high), flags=_FAST)

    def _shuffle(builder: Any, x: Any, y: Any, picked: list[int]) -> Any:
        return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(picked)), picked))

    def _binary(name: str) -> Any:
        """An intrinsic of two registers: one LLVM instruction with the fast-math flags."""

        @intrinsic
        def lane_by_lane(typing: Any, x: Any, y: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                return getattr(builder, name)(*args, flags=_FAST)

            return lanes(x, y), code

        return lane_by_lane

    def _call(name: str) -> Any:
        """An intrinsic of two registers: one call of LLVM's function of that name."""

        @intrinsic
        def lane_by_lane(typing: Any, x: Any, y: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                kind = ir.FunctionType(_REGISTER, [_REGISTER, _REGISTER])
                function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32")
                return builder.call(function, args, fastmath=_FAST)

            return lanes(x, y), code

        return lane_by_lane

    low, high = _call("minnum"), _call("maxnum")

    def _operator(symbol: Any, instruction: Any) -> None:
        @overload(symbol)
        def of_lanes(x, y):  # type: ignore[no-untyped-def]  # numba compares the signatures letter by letter
            if isinstance(x, LanesType) and isinstance(y, LanesType):
                return lambda x, y: instruction(x, y)
            return None

    for _symbol, _instruction in (
        (operator.add, _binary("fadd")),
        (operator.sub, _binary("fsub")),
        (operator.mul, _binary("fmul")),
        (operator.truediv, _binary("fdiv")),
    ):
        _operator(_symbol, _instruction)


@inlined
def inverse_root(x):  # type: ignore[no-untyped-def]
    """1 / sqrt(x): half the exponent, negated, by integers, then one step of Newton's.

    Three times as fast as a root and a division. The constants, which make the largest error smallest, are Kadlec's.
    """
    guess = _inverse_root_bits(x)
    return guess * splat(np.float32(0.703952253)) * (splat(np.float32(2.38924456)) - x * guess * guess)
