"""Vector operations for the kernels, written as portable LLVM vector code.

numba widens int32 products to int64 and its loops over bytes do not vectorise reliably, so the few inner
operations that matter are emitted as fixed-width LLVM vectors. LLVM lowers them to whatever the host has
(AVX-512, AVX2, SSE2, NEON): nothing here names an instruction set.

`ROWS` is the number of lanes: the kernels work on blocks of 32 image rows (or 32 image columns) at a time.
A value of type `lanes` holds 32 int32 sums in registers. Arrays are one-dimensional and contiguous, offsets are
in elements, and nothing is bounds-checked.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

__all__ = [
    "PRECISION_BITS",
    "ROWS",
    "copy",
    "copy_block",
    "fill",
    "mulhi",
    "multiply_add",
    "splat",
    "store",
    "transpose",
]

ROWS = 32
# Pillow's fixed point for 8-bit images: 32 bits less 8 for the pixel and 2 for the sums' headroom.
PRECISION_BITS = 22

_TILE = 16
_I8 = ir.IntType(8)
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_I128 = ir.IntType(128)
_PIXELS = ir.VectorType(_I8, ROWS)
_SUMS = ir.VectorType(_I32, ROWS)


class _LanesType(types.Type):
    """The numba type of 32 int32 lanes."""

    def __init__(self) -> None:
        super().__init__(name="lanes_int32x32")


_lanes = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _SUMS)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, to: Any) -> Any:
    """Address of `array[offset]`, as a pointer to the LLVM type `to`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), to.as_pointer())


def _splat(builder: Any, vector: Any, value: Any) -> Any:
    """Put `value` into every lane."""
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """Emit: 32 int32 lanes, each equal to `value`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, _SUMS, args[0])

    return _lanes(types.int32), codegen


@intrinsic
def multiply_add(typingctx: Any, sums: Any, pixels: Any, offset: Any, weight: Any) -> Any:
    """Emit: `sums + int32(pixels[offset : offset + 32]) * weight`, lane by lane, int32 throughout."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[1], args[1], args[2], _PIXELS)
        wide = builder.zext(builder.load(pointer, align=1), _SUMS)
        return builder.add(args[0], builder.mul(wide, _splat(builder, _SUMS, args[3])))

    return _lanes(_lanes, pixels, types.int64, types.int32), codegen


@intrinsic
def store(typingctx: Any, sums: Any, invert: Any, out: Any, offset: Any) -> Any:
    """Emit: `out[offset : offset + 32] = clip(sums >> 22, 0, 255) ^ invert`; `invert` is 0 or 255."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.ashr(args[0], ir.Constant(_SUMS, [PRECISION_BITS] * ROWS))
        for bound, order in ((0, ">"), (255, "<")):
            limit = ir.Constant(_SUMS, [bound] * ROWS)
            value = builder.select(builder.icmp_signed(order, value, limit), value, limit)
        pixels = builder.trunc(value, _PIXELS)
        pixels = builder.xor(pixels, _splat(builder, _PIXELS, args[1]))
        pointer = _pointer(context, builder, signature.args[2], args[2], args[3], _PIXELS)
        builder.store(pixels, pointer, align=1)
        return context.get_dummy_value()

    return types.none(_lanes, types.uint8, out, types.int64), codegen


@intrinsic
def copy_block(typingctx: Any, source: Any, start: Any, invert: Any, out: Any, offset: Any) -> Any:
    """Emit: `out[offset : offset + 32] = source[start : start + 32] ^ invert`; `invert` is 0 or 255."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        read = _pointer(context, builder, signature.args[0], args[0], args[1], _PIXELS)
        write = _pointer(context, builder, signature.args[3], args[3], args[4], _PIXELS)
        pixels = builder.xor(builder.load(read, align=1), _splat(builder, _PIXELS, args[2]))
        builder.store(pixels, write, align=1)
        return context.get_dummy_value()

    return types.none(source, types.int64, types.uint8, out, types.int64), codegen


@intrinsic
def copy(typingctx: Any, source: Any, start: Any, out: Any, offset: Any, count: Any) -> Any:
    """Emit: `out[offset : offset + count] = source[start : start + count]` as a memory copy."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        read = _pointer(context, builder, signature.args[0], args[0], args[1], _I8)
        write = _pointer(context, builder, signature.args[2], args[2], args[3], _I8)
        cgutils.raw_memcpy(builder, write, read, args[4], 1)
        return context.get_dummy_value()

    return types.none(source, types.int64, out, types.int64, types.int64), codegen


@intrinsic
def fill(typingctx: Any, value: Any, out: Any, offset: Any, count: Any) -> Any:
    """Emit: `out[offset : offset + count] = value` as a memory fill."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[1], args[1], args[2], _I8)
        cgutils.memset(builder, pointer, args[3], args[0])
        return context.get_dummy_value()

    return types.none(types.uint8, out, types.int64, types.int64), codegen


@intrinsic
def transpose(typingctx: Any, source: Any, start: Any, out: Any, offset: Any, stride: Any) -> Any:
    """Emit: a tile of 16 columns by 16 rows, from column order to row order.

    Reads column c, row r at `source[start + 32 * c + r]` and writes it to `out[offset + stride * r + c]`.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(_I8, _TILE)
        half = _TILE // 2
        low = [lane // 2 + (lane % 2) * _TILE for lane in range(_TILE)]
        masks = [ir.Constant(ir.VectorType(_I32, _TILE), [lane + shift for lane in low]) for shift in (0, half)]
        tile = []
        for column in range(_TILE):
            at = builder.add(args[1], ir.Constant(_I64, ROWS * column))
            pointer = _pointer(context, builder, signature.args[0], args[0], at, vector)
            tile.append(builder.load(pointer, align=1))
        # Interleaving the two halves of the tile four times (a perfect shuffle of the index bits) transposes it.
        for _ in range(4):
            tile = [builder.shuffle_vector(tile[i], tile[i + half], mask) for i in range(half) for mask in masks]
        for row in range(_TILE):
            at = builder.add(args[3], builder.mul(args[4], ir.Constant(_I64, row)))
            pointer = _pointer(context, builder, signature.args[2], args[2], at, vector)
            builder.store(tile[row], pointer, align=1)
        return context.get_dummy_value()

    return types.none(source, types.int64, out, types.int64, types.int64), codegen


@intrinsic
def mulhi(typingctx: Any, a: Any, b: Any) -> Any:
    """Emit: the upper 64 bits of the 128-bit product of two uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.mul(builder.zext(args[0], _I128), builder.zext(args[1], _I128))
        return builder.trunc(builder.lshr(product, ir.Constant(_I128, 64)), _I64)

    return types.uint64(types.uint64, types.uint64), codegen
