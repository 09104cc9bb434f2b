"""A machine that reads pickles and can build nothing but plain values and NumPy arrays.

Python's own unpickler with a guarded `find_class` is not safe for hostile files. It allocates what a
length claims before it checks that the file is that long, and hashing a tuple nested a million deep,
a file of one megabyte, overflows its stack and ends the process. Checking a file for both takes
a pass over the opcodes that costs as much as this machine, which runs no code but its own:
a file names functions, and the machine looks the names up in one short table.

The opcodes are those that Python 3 writes under protocols 2 to 5; the standard library's `pickletools` documents them.
"""

from __future__ import annotations

import mmap
import pickle
import struct
from collections.abc import Callable
from typing import Any

from number_generator.formats.budget import Budget
from number_generator.formats.paths import MalformedError
from number_generator.formats.pickle.constructors import find_maker
from number_generator.formats.pickle.values import PickledArray, PickledType
from number_generator.system.checks import format_value

_OLDEST_PROTOCOL, _NEWEST_PROTOCOL = 2, 5
_MOST_NAME_CHARACTERS = 256
_MOST_NESTED_MARKS = 1000
# Longer bytes stay in the file until an array is made of them.
_LONG_BYTES = 4096
# Large integers can be chosen so that all have one hash, which makes a dict slow.
_MOST_KEY_BITS = 31
# What a container may take, and all that is made beyond the values that the file spells out.
_CONTAINER_BYTES = 64

_FREE_NUMBERS = 255  # in a pickle of any size
_TOO_MANY_NUMBERS = "the pickle numbers far more objects than its size explains"

# The opcodes of a label, which a file has a million of.
_SHORT_BINUNICODE = pickle.SHORT_BINUNICODE[0]
_BINUNICODE = pickle.BINUNICODE[0]
_MEMOIZE = pickle.MEMOIZE[0]
_BINPUT = pickle.BINPUT[0]
_LONG_BINPUT = pickle.LONG_BINPUT[0]
_BINGET = pickle.BINGET[0]
_LONG_BINGET = pickle.LONG_BINGET[0]
_BININT = pickle.BININT[0]
_BININT1 = pickle.BININT1[0]
_BININT2 = pickle.BININT2[0]
_STOP = pickle.STOP[0]

_Handler = Callable[["PickleMachine", int], int]


class PickleMachine:
    """Runs the opcodes of one pickle, after which the content may go on."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content = content
        self._view = memoryview(content)
        self._size = len(content)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        # A list takes 8 bytes of an object's place, and a dict a hundred: an opcode of one byte may fill it.
        self._memo: list[Any] = []
        # An object takes at least three bytes, the one that numbers it included.
        self._most_memos = self._size // 3
        self._budget = Budget(self._size)

    def run(self) -> Any:  # noqa: PLR0912, PLR0915 - calls would double the time of the common opcodes
        """Return the object that the pickle describes, made of plain values, PickledArray and PickledType."""
        content, size, stack, memo, handlers = self._content, self._size, self._stack, self._memo, _HANDLERS
        push = stack.append
        unsigned = struct.Struct("<I").unpack_from
        signed = struct.Struct("<i").unpack_from
        most_memos = self._most_memos
        self._check_protocol()
        at = 2
        while at < size:
            opcode = content[at]
            # In the order of how often they occur in a file of many labels.
            if opcode == _SHORT_BINUNICODE:
                start = at + 2
                at = start + content[at + 1]
                if at > size:
                    break
                push(content[start:at].decode())
            elif opcode == _MEMOIZE:
                if len(memo) > most_memos:
                    raise MalformedError(_TOO_MANY_NUMBERS)
                memo.append(stack[-1])
                at += 1
            elif opcode == _BINUNICODE:
                start = at + 5
                at = start + unsigned(content, at + 1)[0]
                if at > size:
                    break
                push(content[start:at].decode())
            elif opcode == _LONG_BINPUT:
                self._number_top(unsigned(content, at + 1)[0])
                at += 5
            elif opcode == _BININT1:
                push(content[at + 1])
                at += 2
            elif opcode == _BININT2:
                push(content[at + 1] | content[at + 2] << 8)
                at += 3
            elif opcode == _BININT:
                push(signed(content, at + 1)[0])
                at += 5
            elif opcode == _BINPUT:
                self._number_top(content[at + 1])
                at += 2
            elif opcode == _BINGET:
                push(memo[content[at + 1]])
                at += 2
            elif opcode == _LONG_BINGET:
                push(memo[unsigned(content, at + 1)[0]])
                at += 5
            elif opcode == _STOP:
                return stack.pop()
            else:
                at = handlers[opcode](self, at + 1)
        raise MalformedError("the pickle is cut short")

    def charge(self, byte_count: int) -> None:
        """Account for memory beyond the values that the file spells out; reject a file that asks for too much."""
        self._budget.charge(byte_count)

    # Each handler takes the position after its opcode and returns that of the next one.

    def _push_text8(self, at: int) -> int:
        start, at = at + 8, self._find_end(at + 8, self._read_length(at, 8))
        self._stack.append(str(self._view[start:at], "utf-8"))
        return at

    def _push_bytes(self, at: int, length_bytes: int) -> int:
        start, at = at + length_bytes, self._find_end(at + length_bytes, self._read_length(at, length_bytes))
        self._stack.append(self._view[start:at] if at - start > _LONG_BYTES else self._content[start:at])
        return at

    def _push_long(self, at: int) -> int:
        start, at = at + 1, self._find_end(at + 1, self._content[at])
        self._stack.append(int.from_bytes(self._content[start:at], "little", signed=True))
        return at

    def _push_float(self, at: int) -> int:
        self._stack.append(struct.unpack_from(">d", self._content, at)[0])
        return at + 8

    def _push_mark(self, at: int) -> int:
        if len(self._marks) == _MOST_NESTED_MARKS:
            raise MalformedError(f"the pickle is nested more than {_MOST_NESTED_MARKS} deep")
        self._marks.append(len(self._stack))
        return at

    def _push_list(self, at: int) -> int:
        self._push_container([])
        return at

    def _push_dict(self, at: int) -> int:
        self._push_container({})
        return at

    def _push_tuple(self, at: int) -> int:
        self._push_container(tuple(self._take_items()))
        return at

    def _push_short_tuple(self, at: int, length: int) -> int:
        if len(self._stack) < length:
            raise MalformedError("the pickle takes from an empty stack")
        items = tuple(self._stack[-length:])
        del self._stack[-length:]
        self._push_container(items)
        return at

    def _append(self, at: int) -> int:
        item = self._stack.pop()
        self._get_top(list).append(item)
        return at

    def _extend(self, at: int) -> int:
        items = self._take_items()
        self._get_top(list).extend(items)
        return at

    def _set_item(self, at: int) -> int:
        value, key = self._stack.pop(), self._stack.pop()
        self._fill_dict([key, value])
        return at

    def _set_items(self, at: int) -> int:
        self._fill_dict(self._take_items())
        return at

    def _push_named(self, at: int) -> int:
        module, at = self._read_line(at)
        name, at = self._read_line(at)
        self._stack.append(find_maker(module, name))
        return at

    def _push_named_on_stack(self, at: int) -> int:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(find_maker(module, name))
        return at

    def _call(self, at: int) -> int:
        arguments, maker = self._stack.pop(), self._stack.pop()
        if not callable(maker) or type(arguments) is not tuple:
            raise MalformedError("the pickle calls something that is not a function of its own")
        # What is made may be as long as the arguments, which may be used many times.
        self.charge(sum(len(each) for each in arguments if isinstance(each, (str, bytes, memoryview))))
        self._push_container(maker(*arguments))
        return at

    def _set_state(self, at: int) -> int:
        state = self._stack.pop()
        target = self._stack[-1]
        if not isinstance(target, (PickledArray, PickledType)):
            raise MalformedError("the pickle sets the state of something that is not an array")
        target.set_state(state)
        return at

    def _skip_frame(self, at: int) -> int:
        self._find_end(at + 8, self._read_length(at, 8))
        return at + 8

    # Helpers of the handlers.

    def _check_protocol(self) -> None:
        """Reject a pickle of another protocol: the first two bytes tell."""
        if self._content[:1] != pickle.PROTO:
            raise MalformedError(f"the pickle is of protocol 0 or 1, which are not read; {_WAY_OUT}")
        version = self._content[1]
        if not _OLDEST_PROTOCOL <= version <= _NEWEST_PROTOCOL:
            raise MalformedError(
                f"the pickle is of protocol {version}: protocols {_OLDEST_PROTOCOL} to {_NEWEST_PROTOCOL} are read; "
                f"{_WAY_OUT}"
            )

    def _read_length(self, at: int, length_bytes: int) -> int:
        field = self._content[at : at + length_bytes]
        if len(field) != length_bytes:
            raise MalformedError("the pickle is cut short")
        return int.from_bytes(field, "little")

    def _number_top(self, number: int) -> None:
        """Give the top of the stack a number: usually the next one."""
        memo = self._memo
        if number > max(self._most_memos, _FREE_NUMBERS):
            raise MalformedError(_TOO_MANY_NUMBERS)
        memo += [None] * (number + 1 - len(memo))
        memo[number] = self._stack[-1]

    def _find_end(self, start: int, length: int) -> int:
        if length > self._size - start:
            raise MalformedError(f"the pickle is cut short: {length} bytes are claimed, {self._size - start} are left")
        return start + length

    def _read_line(self, at: int) -> tuple[str, int]:
        end = self._content.find(b"\n", at, at + _MOST_NAME_CHARACTERS)
        if end < 0:
            raise MalformedError("the pickle is cut short, or a name in it is too long")
        return self._content[at:end].decode(), end + 1

    def _take_items(self) -> list[Any]:
        """Take everything down to the last mark off the stack."""
        if not self._marks:
            raise MalformedError("the pickle takes from an empty stack")
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    def _get_top(self, kind: type[Any]) -> Any:
        """Return the top of the stack, which must be a container of a kind."""
        top = self._stack[-1]
        if type(top) is not kind:
            raise MalformedError(f"the pickle fills a {kind.__name__} that is not one")
        return top

    def _push_container(self, container: Any) -> None:
        self.charge(_CONTAINER_BYTES)
        self._stack.append(container)

    def _fill_dict(self, items: list[Any]) -> None:
        """Set keys and values that alternate in `items` in the dict on top of the stack."""
        if len(items) % 2:
            raise MalformedError("the pickle sets a key without a value")
        self._get_top(dict).update(zip(map(_check_key, items[::2]), items[1::2], strict=True))


def _check_key(value: Any) -> Any:
    """Return a value that may be a key of a dict."""
    kind = type(value)
    # A tuple could be nested so deep that hashing it overflows the stack.
    if kind in (str, bytes, bool) or value is None or (kind is int and value.bit_length() <= _MOST_KEY_BITS):
        return value
    raise MalformedError(f"the pickle has the key {format_value(value)} in a dict: strings are expected")


def _push_constant(value: Any) -> _Handler:
    """Return a handler that pushes a value that cannot change."""

    def push(machine: PickleMachine, at: int) -> int:
        machine._stack.append(value)
        return at

    return push


def _with_size(handler: Callable[[PickleMachine, int, int], int], size: int) -> _Handler:
    """Return a handler for one of several opcodes that differ in a size alone."""
    return lambda machine, at: handler(machine, at, size)


def _reject(machine: PickleMachine, at: int) -> int:
    """Reject the opcodes that make objects of classes, look elsewhere, or do not exist."""
    opcode = machine._content[at - 1 : at]
    if opcode in (pickle.NEXT_BUFFER, pickle.READONLY_BUFFER):
        raise MalformedError("the pickle keeps its arrays elsewhere (buffers out of band)")
    if opcode in (pickle.SHORT_BINSTRING, pickle.BINSTRING, pickle.STRING):
        raise MalformedError(f"the pickle holds strings of Python 2, which are not read; {_WAY_OUT}")
    if opcode in (pickle.EMPTY_SET, pickle.FROZENSET):
        raise MalformedError("the pickle holds a set, which is not read: save a list instead")
    raise MalformedError(f"the pickle has the opcode {opcode[0]:#04x} at byte {at - 1}, which no dataset needs")


# Loading runs whatever code the file names.
_WAY_OUT = "if you trust its source, load it with Python's own `pickle` and save it again with protocol 4"
_KNOWN_HANDLERS: dict[bytes, _Handler] = {
    pickle.FRAME: PickleMachine._skip_frame,
    pickle.NONE: _push_constant(None),
    pickle.NEWTRUE: _push_constant(True),
    pickle.NEWFALSE: _push_constant(False),
    pickle.EMPTY_TUPLE: _push_constant(()),
    pickle.BINUNICODE8: PickleMachine._push_text8,
    pickle.SHORT_BINBYTES: _with_size(PickleMachine._push_bytes, 1),
    pickle.BINBYTES: _with_size(PickleMachine._push_bytes, 4),
    pickle.BINBYTES8: _with_size(PickleMachine._push_bytes, 8),
    pickle.BYTEARRAY8: _with_size(PickleMachine._push_bytes, 8),
    pickle.LONG1: PickleMachine._push_long,
    pickle.BINFLOAT: PickleMachine._push_float,
    pickle.MARK: PickleMachine._push_mark,
    pickle.EMPTY_LIST: PickleMachine._push_list,
    pickle.APPEND: PickleMachine._append,
    pickle.APPENDS: PickleMachine._extend,
    pickle.TUPLE: PickleMachine._push_tuple,
    pickle.TUPLE1: _with_size(PickleMachine._push_short_tuple, 1),
    pickle.TUPLE2: _with_size(PickleMachine._push_short_tuple, 2),
    pickle.TUPLE3: _with_size(PickleMachine._push_short_tuple, 3),
    pickle.EMPTY_DICT: PickleMachine._push_dict,
    pickle.SETITEM: PickleMachine._set_item,
    pickle.SETITEMS: PickleMachine._set_items,
    pickle.GLOBAL: PickleMachine._push_named,
    pickle.STACK_GLOBAL: PickleMachine._push_named_on_stack,
    pickle.REDUCE: PickleMachine._call,
    pickle.BUILD: PickleMachine._set_state,
}
_HANDLERS = [_KNOWN_HANDLERS.get(bytes([opcode]), _reject) for opcode in range(256)]
