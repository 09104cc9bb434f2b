"""Doors: what Python calls in place of a kernel, as LLVM code that needs nothing of numba when it runs.

numba's own wrappers call into its C modules, which load with all of numba. A door takes the arguments through Python's
buffer protocol, releases the GIL, and calls the kernel. Arguments that its kernel is not compiled for it refuses, with
NotImplemented. It also defines the few functions of numba's runtime that kernels call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.runtime import nrtdynmod
from numba.np.numpy_support import as_dtype

from number_generator._kernels.machine_code import OBJECTS, MachineCode, make_target_machine

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _I8.as_pointer()
# Py_buffer: buf, obj, len, itemsize, readonly, ndim, format, shape, strides, suboffsets, internal
_VIEW = ir.LiteralStructType(
    [_POINTER, _POINTER, _I64, _I64, _I32, _I32, _POINTER, _I64.as_pointer(), _I64.as_pointer(), _POINTER, _POINTER]
)
_BUFFER, _LENGTH, _ITEM_SIZE, _READ_ONLY, _DIMENSIONS, _FORMAT, _SHAPE, _STRIDES = 0, 2, 3, 4, 5, 6, 7, 8
_REQUESTS = {"C": 0x3C, "F": 0x5C, "A": 0x1C}  # PyBUF_FORMAT, and the strides that numba's layouts have

# Which Python objects numba takes for values of a type
_ACCEPTED: dict[Any, tuple[type, ...]] = {
    types.int64: (int, np.int64),
    types.uint64: (np.uint64,),
    types.float64: (float, np.float64),
    types.float32: (np.float32,),
    types.boolean: (bool, np.bool_),
    types.int32: (np.int32,),
    types.uint32: (np.uint32,),
    types.uint8: (np.uint8,),
}
_RESULTS = {types.none, types.int64, types.uint64, types.boolean, types.float64}

# What kernels call of numba's runtime; its own allocates in the same way. Arrays that come from Python have no owner
# here, so that their references are not counted.
_MEMORY = "{i64, ptr, ptr, ptr, i64}"
_RUNTIME = """
declare ptr @malloc(i64)
declare void @free(ptr)

define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %wide = zext i32 %align to i64
  %room = add i64 %size, %wide
  %all = add i64 %room, 64
  %memory = call ptr @malloc(i64 %all)
  %none = icmp eq ptr %memory, null
  br i1 %none, label %end, label %fill
fill:
  store i64 1, ptr %memory
  %dtor = getelementptr i64, ptr %memory, i64 1
  store ptr null, ptr %dtor
  %info = getelementptr i64, ptr %memory, i64 2
  store ptr null, ptr %info
  %number = ptrtoint ptr %memory to i64
  %behind = add i64 %number, 63
  %beyond = add i64 %behind, %wide
  %negative = sub i64 0, %wide
  %aligned = and i64 %beyond, %negative
  %begin = inttoptr i64 %aligned to ptr
  %data = getelementptr i64, ptr %memory, i64 3
  store ptr %begin, ptr %data
  %length = getelementptr i64, ptr %memory, i64 4
  store i64 %size, ptr %length
  br label %end
end:
  ret ptr %memory
}

define void @NRT_MemInfo_call_dtor(ptr %memory) {
  call void @free(ptr %memory)
  ret void
}

define void @NRT_Free(ptr %memory) {
  call void @free(ptr %memory)
  ret void
}

define i32 @numba_attempt_nocopy_reshape(i64 %nd, ptr %dims, ptr %strides, i64 %newnd, ptr %newdims, ptr %newstrides,
                                         i64 %itemsize, i32 %is_f_order) {
entry:
  br label %source
source:
  %i = phi i64 [%nd, %entry], [%before, %matches]
  %expected = phi i64 [%itemsize, %entry], [%grown, %matches]
  %more = icmp sgt i64 %i, 0
  br i1 %more, label %check, label %target
check:
  %before = sub i64 %i, 1
  %dim_at = getelementptr i64, ptr %dims, i64 %before
  %dim = load i64, ptr %dim_at
  %stride_at = getelementptr i64, ptr %strides, i64 %before
  %stride = load i64, ptr %stride_at
  %fits = icmp eq i64 %stride, %expected
  %grown = mul i64 %expected, %dim
  br i1 %fits, label %matches, label %refused
matches:
  br label %source
target:
  %j = phi i64 [%newnd, %source], [%last, %write]
  %step = phi i64 [%itemsize, %source], [%next, %write]
  %left = icmp sgt i64 %j, 0
  br i1 %left, label %write, label %done
write:
  %last = sub i64 %j, 1
  %to = getelementptr i64, ptr %newstrides, i64 %last
  store i64 %step, ptr %to
  %size_at = getelementptr i64, ptr %newdims, i64 %last
  %size = load i64, ptr %size_at
  %next = mul i64 %step, %size
  br label %target
done:
  ret i32 1
refused:
  ret i32 0
}
"""


def make_machine_code(compiled: Any) -> MachineCode | None:
    """Return the machine code of what numba has compiled, and its door; None if it cannot have one."""
    signature = compiled.signature
    can_pass = all(map(_can_pass, signature.args)) and signature.return_type in _RESULTS
    if not can_pass or str(nrtdynmod._meminfo_struct_type).replace("i8*", "ptr") != _MEMORY:
        return None
    symbol = "door." + compiled.fndesc.llvm_func_name
    door = _Door(compiled, symbol)
    module = binding.parse_assembly(str(door.module))
    runtime = binding.parse_assembly(_RUNTIME)
    runtime.triple, runtime.data_layout = module.triple, module.data_layout
    module.link_in(runtime)
    module.verify()
    defined = {function.name for function in module.functions if not function.is_declaration}
    library = compiled.library
    own = library._shared_module or library._final_module
    needed = {function.name for part in (module, own) for function in part.functions if function.is_declaration}
    needed -= {*defined, compiled.fndesc.llvm_func_name}
    externals = sorted(name for name in needed if not name.startswith("llvm."))
    if any(name.startswith(("NRT_", "numba_", "_helperlib")) for name in externals):
        return None
    objects = [library._get_compiled_object(), make_target_machine().emit_object(module)]
    return MachineCode(symbol, externals, objects)


def _can_pass(kind: Any) -> bool:
    if isinstance(kind, types.BaseTuple):
        return not isinstance(kind, types.BaseNamedTuple) and all(_can_pass(member) for member in kind)
    if isinstance(kind, types.Array):
        return kind.ndim > 0 and kind.aligned and kind.layout in _REQUESTS and kind.dtype in _FORMATS
    return kind in _ACCEPTED or kind == types.none


def _find_formats() -> dict[Any, str]:
    kinds = (types.uint8, types.int8, types.int16, types.uint16, types.int32, types.uint32, types.int64, types.uint64)
    every = (*kinds, types.float32, types.float64, types.boolean)
    return {kind: np.zeros(1, as_dtype(kind)).data.format for kind in every}


_FORMATS = _find_formats()


class _Door:
    """The LLVM code of one door: `PyObject *door(PyObject *objects, PyObject **arguments, Py_ssize_t count)`."""

    def __init__(self, compiled: Any, symbol: str) -> None:
        self.context = compiled.target_context
        self.arrays = 0
        signature = compiled.signature
        self.module = compiled.library.codegen._create_empty_module("door")
        function = ir.Function(self.module, ir.FunctionType(_POINTER, [_POINTER, _POINTER, _I64]), symbol)
        self.objects, arguments, count = function.args
        self.builder = builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.refused, self.end = (function.append_basic_block(name) for name in ("refused", "end"))
        total = sum(map(_count_arrays, signature.args))
        self.views = cgutils.alloca_once(builder, ir.ArrayType(_VIEW, total))
        self.result = cgutils.alloca_once(builder, _POINTER)
        for number in range(total):  # a view without an owner needs no release
            builder.store(ir.Constant(_POINTER, None), self._at(number, 1))

        self._require(builder.icmp_signed("==", count, _I64(len(signature.args))))
        slots = builder.bitcast(arguments, _POINTER.as_pointer())
        values = [
            self._take(builder.load(builder.gep(slots, [_I64(number)])), kind)
            for number, kind in enumerate(signature.args)
        ]
        state = self._call("PyEval_SaveThread", _POINTER)
        convention = self.context.call_conv
        callee = ir.Function(
            self.module,
            convention.get_function_type(signature.return_type, signature.args),
            compiled.fndesc.llvm_func_name,
        )
        status, value = convention.call_function(builder, callee, signature.return_type, signature.args, values)
        self._call("PyEval_RestoreThread", ir.VoidType(), state)
        with builder.if_else(status.is_ok) as (fine, failed):
            with fine:
                builder.store(self._give(value, signature.return_type), self.result)
            with failed:
                text = self.context.insert_const_string(self.module, "a kernel has failed: no memory, or a bug")
                self._call("PyErr_SetString", ir.VoidType(), self._object(RuntimeError), text)
                builder.store(ir.Constant(_POINTER, None), self.result)
        builder.branch(self.end)

        builder.position_at_end(self.refused)
        self._call("PyErr_Clear", ir.VoidType())
        builder.store(self._own(self._object(NotImplemented)), self.result)
        builder.branch(self.end)

        builder.position_at_end(self.end)
        for number in range(total):
            self._call("PyBuffer_Release", ir.VoidType(), self._view(number))
        builder.ret(builder.load(self.result))

    def _call(self, name: str, kind: Any, *arguments: Any) -> Any:
        """Call a function of Python's C API."""
        signature = ir.FunctionType(kind, [argument.type for argument in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.module, signature, name), arguments)

    def _require(self, condition: Any) -> None:
        """Refuse the arguments unless a condition holds."""
        going_on = self.builder.append_basic_block()
        self.builder.cbranch(condition, going_on, self.refused)
        self.builder.position_at_end(going_on)

    def _object(self, wanted: Any) -> Any:
        """Return one of the objects that the door is given, borrowed."""
        [number] = (number for number, entry in enumerate(OBJECTS) if entry is wanted)
        return self._call("PyTuple_GetItem", _POINTER, self.objects, _I64(number))

    def _own(self, borrowed: Any) -> Any:
        self._call("Py_IncRef", ir.VoidType(), borrowed)
        return borrowed

    def _is(self, one: Any, other: Any) -> Any:
        return self.builder.icmp_unsigned("==", self.builder.ptrtoint(one, _I64), self.builder.ptrtoint(other, _I64))

    def _require_type(self, value: Any, accepted: Sequence[type]) -> None:
        found = self._call("PyObject_Type", _POINTER, value)
        self._call("Py_DecRef", ir.VoidType(), found)  # the value keeps its type alive
        matches = self._is(found, self._object(accepted[0]))
        for other in accepted[1:]:
            matches = self.builder.or_(matches, self._is(found, self._object(other)))
        self._require(matches)

    def _take(self, value: Any, kind: Any) -> Any:
        """Return what a Python object is to the kernel."""
        if isinstance(kind, types.BaseTuple):
            return self._take_tuple(value, kind)
        if isinstance(kind, types.Array):
            return self._take_array(value, kind)
        if kind == types.none:
            self._require(self._is(value, self._object(None)))
            return self.context.get_dummy_value()
        return self._take_scalar(value, kind)

    def _take_tuple(self, value: Any, kind: Any) -> Any:
        self._require_type(value, (tuple,))
        size = self._call("PyTuple_Size", _I64, value)
        self._require(self.builder.icmp_signed("==", size, _I64(len(kind))))
        members = [
            self._take(self._call("PyTuple_GetItem", _POINTER, value, _I64(number)), member)
            for number, member in enumerate(kind)
        ]
        return self.context.make_tuple(self.builder, kind, members)

    def _take_scalar(self, value: Any, kind: Any) -> Any:
        builder = self.builder
        self._require_type(value, _ACCEPTED[kind])
        if kind == types.boolean:
            return builder.trunc(self._call("PyObject_IsTrue", _I32, value), ir.IntType(1))
        if isinstance(kind, types.Float):
            number = self._call("PyFloat_AsDouble", ir.DoubleType(), value)
            return number if kind == types.float64 else builder.fptrunc(number, ir.FloatType())
        index = self._call("PyNumber_Index", _POINTER, value)
        name = "PyLong_AsLongLong" if kind.signed else "PyLong_AsUnsignedLongLong"
        number = self._call(name, _I64, index)
        self._call("Py_DecRef", ir.VoidType(), index)
        # An int beyond 64 bits
        error = self._call("PyErr_Occurred", _POINTER)
        self._require(self._is(error, ir.Constant(_POINTER, None)))
        return number if kind.bitwidth == 64 else builder.trunc(number, ir.IntType(kind.bitwidth))

    def _view(self, number: int) -> Any:
        place = self.builder.gep(self.views, [_I32(0), _I32(number)])
        return self.builder.bitcast(place, _POINTER)

    def _at(self, number: int, member: int) -> Any:
        return self.builder.gep(self.views, [_I32(0), _I32(number), _I32(member)])

    def _take_array(self, value: Any, kind: Any) -> Any:
        builder, number = self.builder, self.arrays
        self.arrays += 1
        get = self._call("PyObject_GetBuffer", _I32, value, self._view(number), _I32(_REQUESTS[kind.layout]))
        self._require(builder.icmp_signed("==", get, _I32(0)))

        def read(member: int) -> Any:
            return builder.load(self._at(number, member))

        self._require(builder.icmp_signed("==", read(_DIMENSIONS), _I32(kind.ndim)))
        if kind.mutable:
            self._require(builder.icmp_signed("==", read(_READ_ONLY), _I32(0)))
        letters = read(_FORMAT)
        for place, letter in enumerate(_FORMATS[kind.dtype] + "\0"):
            found = builder.load(builder.gep(letters, [_I64(place)]))
            self._require(builder.icmp_unsigned("==", found, _I8(ord(letter))))

        array = self.context.make_array(kind)(self.context, builder)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        array.data = builder.bitcast(read(_BUFFER), array.data.type)
        array.itemsize = read(_ITEM_SIZE)
        array.nitems = builder.sdiv(read(_LENGTH), read(_ITEM_SIZE))
        for member, source in (("shape", read(_SHAPE)), ("strides", read(_STRIDES))):
            sizes = [builder.load(builder.gep(source, [_I64(axis)])) for axis in range(kind.ndim)]
            setattr(array, member, cgutils.pack_array(builder, sizes))
        return array._getvalue()

    def _give(self, value: Any, kind: Any) -> Any:
        """Return a new reference to what a result is to Python."""
        if kind == types.none:
            return self._own(self._object(None))
        if kind == types.boolean:
            return self._call("PyBool_FromLong", _POINTER, self.builder.zext(value, _I64))
        if kind == types.float64:
            return self._call("PyFloat_FromDouble", _POINTER, value)
        return self._call("PyLong_FromLongLong" if kind.signed else "PyLong_FromUnsignedLongLong", _POINTER, value)


def _count_arrays(kind: Any) -> int:
    if isinstance(kind, types.BaseTuple):
        return sum(_count_arrays(member) for member in kind)
    return int(isinstance(kind, types.Array))
