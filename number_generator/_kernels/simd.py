"""Vector operations for the kernels, written as portable LLVM vector code.

numba widens int32 products to int64, and its loops over bytes do not vectorise reliably. So the few inner operations
that matter are emitted as fixed-width LLVM vectors, which LLVM lowers to what the host has (AVX-512, AVX2, SSE2,
NEON): nothing here names an instruction set.

A value of type `lanes_8`, `lanes_16` or `lanes_32` holds that many int32 sums in registers, and determines how many
lanes an operation works on. Pixels travel as pairs: two neighbouring columns (or rows) of a lane are adjacent int16,
as processors have an instruction that multiplies both.

Memory is passed by address, in bytes, as int64: numba would count references and check for negative indices at every
use of an array, in loops that run a hundred million times a second. Nothing is bounds-checked, nothing has to be
aligned, and an array must be kept alive (`keep`) while its address is used.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

from number_generator._kernels.machine_code import name_processor
from number_generator._kernels.vectors import LOW_BITS, PRECISION_BITS

_COLUMNS = 16
_I8 = ir.IntType(8)
_I16 = ir.IntType(16)
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_I128 = ir.IntType(128)
_F32 = ir.FloatType()
_SIXTEEN_FLOATS = ir.VectorType(_F32, 16)


class _LanesType(types.Type):
    """The numba type of `count` int32 lanes."""

    def __init__(self, count: int) -> None:
        super().__init__(name=f"lanes_{count}")
        self.count = count


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_I32, fe_type.count))


_lanes_8, _lanes_16, _lanes_32 = (_LanesType(count) for count in (8, 16, 32))


class _FloatsType(types.Type):
    """The numba type of 16 float32 lanes."""


@register_model(_FloatsType)
class _FloatsModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _SIXTEEN_FLOATS)


_floats_16 = _FloatsType(name="floats_16")


def _load(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _store(context: Any, builder: Any, value: Any, address: Any) -> Any:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)
    return context.get_dummy_value()


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """Select lanes by number: those of `a`, then those of `b`."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))


def _splat(builder: Any, vector: Any, value: Any) -> Any:
    """Put `value` into every lane."""
    empty = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(empty, value, ir.Constant(_I32, 0))
    return _shuffle(builder, one, empty, [0] * vector.count)


def _constant(count: int, value: int) -> Any:
    return ir.Constant(ir.VectorType(_I32, count), [value] * count)


@intrinsic
def address(typingctx: Any, array: Any) -> Any:
    """Emit: the address of an array's first element."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(context.make_array(array)(context, builder, args[0]).data, _I64)

    return types.int64(array), codegen


@intrinsic
def keep(typingctx: Any, array: Any) -> Any:
    """Emit nothing: numba frees an array after its last use, and this is one."""
    return types.none(array), lambda context, *_: context.get_dummy_value()


@intrinsic
def load_int32(typingctx: Any, source: Any) -> Any:
    """Emit: the int32 at `source`, as int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.sext(_load(builder, args[0], _I32), _I64)

    return types.int64(types.int64), codegen


@intrinsic
def load_int64(typingctx: Any, source: Any) -> Any:
    """Emit: the int64 at `source`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], _I64)

    return types.int64(types.int64), codegen


@intrinsic
def zeros_8(typingctx: Any) -> Any:
    """Emit: 8 int32 lanes of 0."""
    return _lanes_8(), lambda *_: _constant(8, 0)


@intrinsic
def zeros_16(typingctx: Any) -> Any:
    """Emit: 16 int32 lanes of 0."""
    return _lanes_16(), lambda *_: _constant(16, 0)


@intrinsic
def zeros_32(typingctx: Any) -> Any:
    """Emit: 32 int32 lanes of 0."""
    return _lanes_32(), lambda *_: _constant(32, 0)


@intrinsic
def halves(typingctx: Any, like: Any) -> Any:
    """Emit: as many int32 lanes as `like` has, each 2**21, half of what `store` shifts out."""
    return like(like), lambda *_: _constant(like.count, 1 << (PRECISION_BITS - 1))


@intrinsic
def multiply_pairs(typingctx: Any, sums: Any, pairs: Any, weights: Any) -> Any:
    """Emit: `sums[i] + pairs[2 * i] * low + pairs[2 * i + 1] * high` for each lane i, int32 throughout.

    At `pairs` are int16; `low` and `high` are the two int16 at `weights`.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count = sums.count
        narrow, wide = ir.VectorType(_I16, 2 * count), ir.VectorType(_I32, 2 * count)
        weight = _splat(builder, ir.VectorType(_I32, count), _load(builder, args[2], _I32))
        factors = builder.sext(builder.bitcast(weight, narrow), wide)
        products = builder.mul(builder.sext(_load(builder, args[1], narrow), wide), factors)
        even, odd = (_shuffle(builder, products, products, list(range(first, 2 * count, 2))) for first in (0, 1))
        # x86 has one instruction for all of this except the addition, and some processors for that too.
        return builder.add(args[0], builder.add(even, odd))

    return sums(sums, types.int64, types.int64), codegen


@intrinsic
def store(typingctx: Any, low: Any, high: Any, invert: Any, out: Any) -> Any:
    """Emit: `out[i] = clip((low[i] + (high[i] << 15)) >> 22, 0, 255) ^ invert` for each lane i.

    At `out` are uint8; `invert` is 0 or 255.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count = low.count
        pixels = ir.VectorType(_I8, count)
        value = builder.add(args[0], builder.shl(args[1], _constant(count, LOW_BITS)))
        value = builder.ashr(value, _constant(count, PRECISION_BITS))
        for bound, order in ((0, ">"), (255, "<")):
            limit = _constant(count, bound)
            value = builder.select(builder.icmp_signed(order, value, limit), value, limit)
        value = builder.xor(builder.trunc(value, pixels), _splat(builder, pixels, args[2]))
        return _store(context, builder, value, args[3])

    return types.none(low, low, types.uint8, types.int64), codegen


def _interleave_columns(builder: Any, count: int, first: Any, second: Any) -> Any:
    """Turn two columns of `count` bytes into pairs of int16."""
    columns = [_load(builder, start, ir.VectorType(_I8, count)) for start in (first, second)]
    order = [row + count * side for row in range(count) for side in (0, 1)]
    return builder.zext(_shuffle(builder, *columns, order), ir.VectorType(_I16, 2 * count))


@intrinsic
def interleave(typingctx: Any, like: Any, first: Any, second: Any, out: Any) -> Any:
    """Emit: `out[2 * i], out[2 * i + 1] = first[i], second[i]` for each lane i of `like`.

    At `first` and `second` are uint8, at `out` int16.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _store(context, builder, _interleave_columns(builder, like.count, *args[1:3]), args[3])

    return types.none(like, types.int64, types.int64, types.int64), codegen


@intrinsic
def merge(typingctx: Any, like: Any, first: Any, second: Any, out: Any) -> Any:
    """Emit: as `interleave`, but OR the values with those in `out`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = _interleave_columns(builder, like.count, *args[1:3])
        return _store(context, builder, builder.or_(value, _load(builder, args[3], value.type)), args[3])

    return types.none(like, types.int64, types.int64, types.int64), codegen


@intrinsic
def clear(typingctx: Any, like: Any, out: Any) -> Any:
    """Emit: `out[2 * i], out[2 * i + 1] = 0, 0` for each lane i of `like`; at `out` are int16."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pairs = ir.VectorType(_I16, 2 * like.count)
        return _store(context, builder, ir.Constant(pairs, [0] * pairs.count), args[1])

    return types.none(like, types.int64), codegen


@intrinsic
def transpose_pairs(typingctx: Any, like: Any, source: Any, size: Any, out: Any, stride: Any) -> Any:
    """Emit: 16 columns of bytes to rows of pairs, for as many rows as `like` has lanes, 8 or 16.

    Reads column c, row r at `source + size * c + r` (always 16 rows) and writes it, as int16,
    to `out + stride * (r // 2) + 4 * c + 2 * (r % 2)`.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        half, units = _COLUMNS // 2, 8
        columns = []
        for c in range(_COLUMNS):
            at = builder.add(args[1], builder.mul(args[2], ir.Constant(_I64, c)))
            columns.append(_load(builder, at, ir.VectorType(_I16, units)))
        # Columns c and c + 8 share a vector, so that the shuffles below stay within 128 bits. Interleaving the two
        # halves of the tile three times (a perfect shuffle of the index bits) transposes it.
        tile = [_shuffle(builder, columns[c], columns[c + half], list(range(2 * units))) for c in range(half)]
        masks = [
            [base + lane // 2 + (lane % 2) * 2 * units for base in (part, part + units) for lane in range(units)]
            for part in (0, units // 2)
        ]
        for _ in range(3):
            tile = [_shuffle(builder, tile[i], tile[i + half // 2], mask) for i in range(half // 2) for mask in masks]
        for unit in range(like.count // 2):
            pixels = builder.bitcast(tile[unit], ir.VectorType(_I8, 2 * _COLUMNS))
            at = builder.add(args[3], builder.mul(args[4], ir.Constant(_I64, unit)))
            _store(context, builder, builder.zext(pixels, ir.VectorType(_I16, 2 * _COLUMNS)), at)
        return context.get_dummy_value()

    return types.none(like, *[types.int64] * 4), codegen


@intrinsic
def transpose_floats(typingctx: Any, source: Any, out: Any) -> Any:
    """Emit: the 8 rows of 8 float32 at `source` as columns at `out`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(_F32, 8)
        places = [[builder.add(start, ir.Constant(_I64, 32 * row)) for row in range(8)] for start in args]
        tile = [_load(builder, at, vector) for at in places[0]]
        # Interleaving rows k and k + 4 three times (a perfect shuffle of the index bits) transposes the tile.
        masks = [[lane // 2 + lane % 2 * 8 for lane in range(first, first + 8)] for first in (0, 8)]
        for _ in range(3):
            tile = [_shuffle(builder, tile[k], tile[k + 4], mask) for k in range(4) for mask in masks]
        for row, at in zip(tile, places[1], strict=True):
            _store(context, builder, row, at)
        return context.get_dummy_value()

    return types.none(types.int64, types.int64), codegen


@intrinsic
def load_floats(typingctx: Any, source: Any) -> Any:
    """Emit: the 16 float32 at `source`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], _SIXTEEN_FLOATS)

    return _floats_16(types.int64), codegen


@intrinsic
def store_floats(typingctx: Any, floats: Any, out: Any) -> Any:
    """Emit: write 16 float32 to `out`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _store(context, builder, args[0], args[1])

    return types.none(floats, types.int64), codegen


@intrinsic
def lesser(typingctx: Any, a: Any, b: Any) -> Any:
    """Emit: of each lane the lesser float32; none is NaN."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return a(a, b), codegen


@intrinsic
def greater(typingctx: Any, a: Any, b: Any) -> Any:
    """Emit: of each lane the greater float32; none is NaN."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return a(a, b), codegen


@intrinsic
def split_pairs(typingctx: Any, pairs: Any, side: Any, invert: Any, out: Any) -> Any:
    """Emit: `out[i] = uint8(pairs[2 * i + side]) ^ invert` for 16 columns i.

    At `pairs` are int16, at `out` uint8; `invert` is 0 or 255.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide, narrow = ir.VectorType(_I32, _COLUMNS), ir.VectorType(_I8, _COLUMNS)
        shift = builder.trunc(builder.shl(args[1], ir.Constant(_I64, 4)), _I32)
        value = builder.lshr(_load(builder, args[0], wide), _splat(builder, wide, shift))
        value = builder.xor(builder.trunc(value, narrow), _splat(builder, narrow, args[2]))
        return _store(context, builder, value, args[3])

    return types.none(types.int64, types.int64, types.uint8, types.int64), codegen


@intrinsic
def copy(typingctx: Any, source: Any, out: Any, count: Any) -> Any:
    """Emit: copy `count` bytes from `source` to `out`, which must not overlap."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        read, write = (builder.inttoptr(value, _I8.as_pointer()) for value in args[:2])
        cgutils.raw_memcpy(builder, write, read, args[2], 1)
        return context.get_dummy_value()

    return types.none(types.int64, types.int64, types.int64), codegen


@intrinsic
def copy_16(typingctx: Any, source: Any, out: Any) -> Any:
    """Emit: copy 16 bytes from `source` to `out`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _store(context, builder, _load(builder, args[0], ir.VectorType(_I8, 16)), args[1])

    return types.none(types.int64, types.int64), codegen


@intrinsic
def copy_16_backwards(typingctx: Any, source: Any, out: Any) -> Any:
    """Emit: copy the 16 bytes that end with the one at `source` to `out`, the last one first."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = builder.sub(args[0], ir.Constant(_I64, 15))
        bytes_16 = _load(builder, first, ir.VectorType(_I8, 16))
        return _store(context, builder, _shuffle(builder, bytes_16, bytes_16, list(range(15, -1, -1))), args[1])

    return types.none(types.int64, types.int64), codegen


@intrinsic
def prefetch(typingctx: Any, source: Any) -> Any:
    """Emit: have the byte at `source` brought near, with all of its cache line; any address will do."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(ir.Constant(_I32, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.none(types.int64), codegen


@intrinsic
def fill(typingctx: Any, value: Any, out: Any, count: Any) -> Any:
    """Emit: set `count` bytes at `out` to `value`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        cgutils.memset(builder, builder.inttoptr(args[1], _I8.as_pointer()), args[2], args[0])
        return context.get_dummy_value()

    return types.none(types.uint8, types.int64, types.int64), codegen


@intrinsic
def multiply_wide(typingctx: Any, a: Any, b: Any) -> Any:
    """Emit: the upper and the lower 64 bits of the 128-bit product of two uint64, in one multiplication."""
    words = types.UniTuple(types.uint64, 2)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.mul(builder.zext(args[0], _I128), builder.zext(args[1], _I128))
        high = builder.trunc(builder.lshr(product, ir.Constant(_I128, 64)), _I64)
        return context.make_tuple(builder, words, [high, builder.trunc(product, _I64)])

    return words(types.uint64, types.uint64), codegen


def _gather(builder: Any, base: Any, index: Any) -> Any:
    """Load the int32 that is so many bytes after `base`, for each lane of `index`, by an instruction made for it."""
    count = index.type.count
    wide = ir.VectorType(_I64, count)
    addresses = builder.add(_splat(builder, wide, base), builder.zext(index, wide))
    pointers = builder.inttoptr(addresses, ir.VectorType(_I32.as_pointer(), count))
    mask = ir.VectorType(ir.IntType(1), count)
    kind = ir.FunctionType(index.type, [pointers.type, _I32, mask, index.type])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.gather.v{count}i32.v{count}p0")
    every = ir.Constant(mask, [1] * count)
    return builder.call(function, [pointers, ir.Constant(_I32, 1), every, ir.Constant(index.type, ir.Undefined)])


def _load_by_lane(builder: Any, bases: list[Any], index: Any) -> list[Any]:
    """Load what `_gather` does after each of `bases`, lane by lane; two lanes leave the vector at once."""
    count = index.type.count
    starts = [builder.inttoptr(base, _I8.as_pointer()) for base in bases]
    loaded = [ir.Constant(index.type, ir.Undefined)] * len(bases)
    pairs = builder.bitcast(index, ir.VectorType(_I64, count // 2))
    for lane in range(count):
        pair = builder.extract_element(pairs, ir.Constant(_I32, lane // 2))
        step = builder.and_(builder.lshr(pair, ir.Constant(_I64, 32 * (lane % 2))), ir.Constant(_I64, 0xFFFFFFFF))
        for number, start in enumerate(starts):
            value = _load(builder, builder.ptrtoint(builder.gep(start, [step]), _I64), _I32)
            loaded[number] = builder.insert_element(loaded[number], value, ir.Constant(_I32, lane))
    return loaded


def _gathers_well() -> bool:
    """Tell whether the processor gathers faster than it loads lane by lane: AMD's do not, nor others with AVX2."""
    name, features = name_processor()
    return "+avx512f" in features and not name.startswith("znver")


def _clip(builder: Any, value: Any, low: Any, high: Any) -> Any:
    """Clip int32 lanes to a range."""
    value = builder.select(builder.icmp_signed("<", value, low), low, value)
    return builder.select(builder.icmp_signed(">", value, high), high, value)


@intrinsic
def field_lanes(typingctx: Any) -> Any:
    """Emit: the number of px that `sample_field` samples: fewer at once are less often in vain, beside a glyph."""
    return types.int64(), lambda *_: ir.Constant(_I64, _count_field_lanes())


def _count_field_lanes() -> int:
    return 16 if _gathers_well() else 8


@intrinsic
def sample_field(
    typingctx: Any, texels: Any, stride: Any, x: Any, y: Any, shift: Any, most: Any, line: Any, count: Any, out: Any
) -> Any:
    """Emit: join ink sampled from a field to the first `count` of `field_lanes` bytes at `out`, by maximum.

    Lane i samples the point (u, v), with 16 bits of fraction: int32 i at `x` plus `shift`[0] and int32 i at `y` plus
    `shift`[1], clipped to 0 to `most`. The four texels around it (rows of `stride` bytes at `texels`) are interpolated
    with 8 bits of each fraction to t, with 16 bits of fraction. Ink is slope * t + bias, with `line` = (slope, bias) in
    float32, rounded towards 0 and clipped to 0 to 255; it must fit into an int32. Three bytes after the last texel are
    read.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        texels, stride, x, y, shift, most, line, count, out = args
        lanes = _count_field_lanes()
        vector = ir.VectorType(_I32, lanes)

        def narrow(value: Any) -> Any:
            return _splat(builder, vector, builder.trunc(value, _I32))

        places = []
        for axis, source in enumerate((x, y)):
            place = builder.add(_load(builder, source, vector), narrow(builder.extract_value(shift, axis)))
            places.append(_clip(builder, place, _constant(lanes, 0), narrow(builder.extract_value(most, axis))))
        u, v = places
        sixteen, eight, byte = (_constant(lanes, value) for value in (16, 8, 255))
        index = builder.add(builder.mul(builder.lshr(v, sixteen), narrow(stride)), builder.lshr(u, sixteen))
        across = builder.and_(builder.lshr(u, eight), byte)
        down = builder.and_(builder.lshr(v, eight), byte)
        rows = []
        bases = [texels, builder.add(texels, stride)]
        gathered = [_gather(builder, base, index) for base in bases] if _gathers_well() else None
        for four in gathered or _load_by_lane(builder, bases, index):
            left = builder.and_(four, byte)
            right = builder.and_(builder.lshr(four, eight), byte)
            rows.append(builder.add(builder.shl(left, eight), builder.mul(builder.sub(right, left), across)))
        upper, lower = rows
        texel = builder.add(builder.shl(upper, eight), builder.mul(builder.sub(lower, upper), down))
        floats = ir.VectorType(_F32, lanes)
        slope, bias = (_splat(builder, floats, builder.extract_value(line, part)) for part in (0, 1))
        ink = builder.fadd(builder.fmul(builder.sitofp(texel, floats), slope), bias)
        pixels = ir.VectorType(_I8, lanes)
        drawn = builder.trunc(_clip(builder, builder.fptosi(ink, vector), _constant(lanes, 0), byte), pixels)
        # Lanes beyond `count` change nothing.
        numbers, most = ir.Constant(pixels, list(range(lanes))), ir.Constant(_I64, lanes)
        count = builder.select(builder.icmp_signed("<", count, most), count, most)
        used = builder.icmp_signed("<", numbers, _splat(builder, pixels, builder.trunc(count, _I8)))
        drawn = builder.select(used, drawn, ir.Constant(pixels, [0] * lanes))
        before = _load(builder, out, drawn.type)
        joined = builder.select(builder.icmp_unsigned(">", drawn, before), drawn, before)
        return _store(context, builder, joined, out)

    pair = types.UniTuple(types.int64, 2)
    floats = types.UniTuple(types.float32, 2)
    word = types.int64
    return types.none(word, word, word, word, pair, pair, floats, word, word), codegen
