"""A machine that reads pickles and can build nothing but plain values and NumPy arrays.

Python's own unpickler with a guarded `find_class` would not do for hostile files. It allocates what a
length claims before it looks whether the file is so long, and hashing a tuple nested a million deep,
a file of one megabyte, overflows its stack and ends the process. To check a file against both takes
a pass over the opcodes that costs as much as this machine, which runs no code but its own:
a file names functions, and the machine looks the names up in one short table.

The opcodes are documented in the standard library's `pickletools`.
"""

from __future__ import annotations

import codecs
import mmap
import pickle
import re
import struct
from collections.abc import Callable
from typing import Any

from number_generator.formats.paths import MalformedError
from number_generator.formats.pickle.constructors import (
    CONTAINER_BYTES,
    LONG_BYTES,
    SET_BYTES,
    Maker,
    checked_key,
    named,
)
from number_generator.formats.pickle.values import PickledArray, PickledType

# Metadata and labels need no larger numbers; converting a huge one takes quadratic time.
_MOST_INTEGER_BYTES = 128
_MOST_NUMBER_CHARACTERS = 400
_MOST_NAME_CHARACTERS = 256
_MOST_NESTED_MARKS = 1000
_MOST_MEMO_INDEX = 2**32 - 1
# What containers and copies may take beyond the values that the file spells out.
_FREE_BYTES = 64 << 20
_BYTES_PER_FILE_BYTE = 16

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
    """Runs the opcodes of one pickle.

    Parameters
    ----------
    content : bytes or mmap
        The pickle, and perhaps more after it.
    """

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content = content
        self._view = memoryview(content)
        self._size = len(content)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._allowance = _FREE_BYTES + _BYTES_PER_FILE_BYTE * self._size

    def run(self) -> Any:  # noqa: PLR0912, PLR0915 - calls would double the time of the common opcodes
        """Return the object that the pickle describes, made of plain values, PickledArray and PickledType."""
        content, size, stack, memo, handlers = self._content, self._size, self._stack, self._memo, _HANDLERS
        push = stack.append
        unsigned = struct.Struct("<I").unpack_from
        signed = struct.Struct("<i").unpack_from
        # An object of its own takes three bytes at least, the one that numbers it included.
        most_memos = size // 3
        at = 0
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
                index = len(memo)
                if index > most_memos:
                    raise MalformedError("the pickle numbers far more objects than its size explains")
                memo[index] = stack[-1]
                at += 1
            elif opcode == _BINUNICODE:
                start = at + 5
                at = start + unsigned(content, at + 1)[0]
                if at > size:
                    break
                push(content[start:at].decode())
            elif opcode == _LONG_BINPUT:
                memo[unsigned(content, at + 1)[0]] = stack[-1]
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
                memo[content[at + 1]] = stack[-1]
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
        """Account for memory that is taken beyond the values that the file spells out.

        Raises
        ------
        MalformedError
            If it exceeds what a file of this size may ask for.
        """
        self._allowance -= byte_count
        if self._allowance < 0:
            raise MalformedError("the pickle asks for far more memory than its size explains")

    # Each handler takes the position after its opcode and returns that of the next one.

    def _protocol(self, at: int) -> int:
        version = self._content[at]
        if version > 5:
            raise MalformedError(f"the pickle is of protocol {version}; write it with protocol 5 or an older one")
        return at + 1

    def _frame(self, at: int) -> int:
        self._end(at + 8, self._length(at, 8))
        return at + 8

    # Text and bytes.

    def _text8(self, at: int) -> int:
        start, at = at + 8, self._end(at + 8, self._length(at, 8))
        self._stack.append(str(self._view[start:at], "utf-8"))
        return at

    def _unicode_line(self, at: int) -> int:
        line, at = self._line(at)
        text = line.decode("raw_unicode_escape")
        if b"\\u" in line or b"\\U" in line:
            text.encode()  # lone surrogates are not text
        self._stack.append(text)
        return at

    def _string_line(self, at: int) -> int:
        line, at = self._line(at)
        quoted = line.strip()
        if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[:1] not in (b"'", b'"'):
            raise MalformedError("the pickle holds a string without quotes")
        escaped = quoted[1:-1]
        # The decoder warns of unknown escapes. Without pairs of backslashes, each one starts an escape.
        if b"\\" in escaped and _UNKNOWN_ESCAPE.search(escaped.replace(b"\\\\", b"")):
            raise MalformedError("the pickle holds a string with an unknown escape")
        self._stack.append(codecs.escape_decode(escaped)[0].decode("latin-1"))
        return at

    def _string(self, at: int, length_bytes: int) -> int:
        """Push a Python 2 string; one byte is one character, as in encoding="latin1"."""
        start, at = at + length_bytes, self._end(at + length_bytes, self._length(at, length_bytes))
        self._stack.append(str(self._view[start:at], "latin-1"))
        return at

    def _bytes(self, at: int, length_bytes: int) -> int:
        start, at = at + length_bytes, self._end(at + length_bytes, self._length(at, length_bytes))
        self._stack.append(self._view[start:at] if at - start > LONG_BYTES else self._content[start:at])
        return at

    # Numbers.

    def _integer_line(self, at: int) -> int:
        line, at = self._line(at, _MOST_NUMBER_CHARACTERS)
        if line in (b"00", b"01"):
            self._stack.append(line == b"01")
        else:
            self._stack.append(int(line.strip().removesuffix(b"L")))
        return at

    def _float_line(self, at: int) -> int:
        line, at = self._line(at, _MOST_NUMBER_CHARACTERS)
        self._stack.append(float(line))
        return at

    def _float8(self, at: int) -> int:
        self._stack.append(struct.unpack_from(">d", self._content, at)[0])
        return at + 8

    def _long(self, at: int, length_bytes: int) -> int:
        length = self._length(at, length_bytes)
        if length > _MOST_INTEGER_BYTES:
            raise MalformedError(f"the pickle holds an integer of {length} bytes")
        start, at = at + length_bytes, self._end(at + length_bytes, length)
        self._stack.append(int.from_bytes(self._content[start:at], "little", signed=True))
        return at

    # The stack and the memo.

    def _mark(self, at: int) -> int:
        if len(self._marks) == _MOST_NESTED_MARKS:
            raise MalformedError(f"the pickle is nested more than {_MOST_NESTED_MARKS} deep")
        self._marks.append(len(self._stack))
        return at

    def _pop(self, at: int) -> int:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()
        return at

    def _pop_mark(self, at: int) -> int:
        self._items()
        return at

    def _duplicate(self, at: int) -> int:
        self._stack.append(self._stack[-1])
        return at

    def _put_line(self, at: int) -> int:
        line, at = self._line(at, _MOST_NUMBER_CHARACTERS)
        index = int(line)
        if not 0 <= index <= _MOST_MEMO_INDEX:
            raise MalformedError("the pickle numbers its objects in a way that pickles do not")
        self._memo[index] = self._stack[-1]
        return at

    def _get_line(self, at: int) -> int:
        line, at = self._line(at, _MOST_NUMBER_CHARACTERS)
        self._stack.append(self._memo[int(line)])
        return at

    # Containers.

    def _empty_list(self, at: int) -> int:
        self._push_container([])
        return at

    def _list(self, at: int) -> int:
        self._push_container(self._items())
        return at

    def _append(self, at: int) -> int:
        item = self._stack.pop()
        self._top(list).append(item)
        return at

    def _appends(self, at: int) -> int:
        items = self._items()
        self._top(list).extend(items)
        return at

    def _tuple(self, at: int) -> int:
        self._push_container(tuple(self._items()))
        return at

    def _tuple_of(self, at: int, length: int) -> int:
        if len(self._stack) < length:
            raise MalformedError("the pickle takes from an empty stack")
        items = tuple(self._stack[-length:])
        del self._stack[-length:]
        self._push_container(items)
        return at

    def _empty_dict(self, at: int) -> int:
        self._push_container({})
        return at

    def _dict(self, at: int) -> int:
        items = self._items()
        self._push_container({})
        self._set(items)
        return at

    def _set_item(self, at: int) -> int:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value])
        return at

    def _set_items(self, at: int) -> int:
        self._set(self._items())
        return at

    def _empty_set(self, at: int) -> int:
        self.charge(SET_BYTES)
        self._stack.append(set())
        return at

    def _add_items(self, at: int) -> int:
        items = self._items()
        self._top(set).update(map(checked_key, items))
        return at

    def _frozen_set(self, at: int) -> int:
        self.charge(SET_BYTES)
        self._stack.append(frozenset(map(checked_key, self._items())))
        return at

    # Named things.

    def _global(self, at: int) -> int:
        module, at = self._line(at, _MOST_NAME_CHARACTERS)
        name, at = self._line(at, _MOST_NAME_CHARACTERS)
        self._stack.append(named(module.decode(), name.decode()))
        return at

    def _stack_global(self, at: int) -> int:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(named(module, name))
        return at

    def _reduce(self, at: int) -> int:
        arguments, maker = self._stack.pop(), self._stack.pop()
        if not isinstance(maker, Maker) or type(arguments) is not tuple:
            raise MalformedError("the pickle calls something that is not a function of its own")
        self._push_container(maker.make(self.charge, arguments))
        return at

    def _build(self, at: int) -> int:
        state = self._stack.pop()
        target = self._stack[-1]
        if not isinstance(target, (PickledArray, PickledType)):
            raise MalformedError("the pickle sets the state of something that is not an array")
        target.set_state(state)
        return at

    # Helpers of the handlers.

    def _length(self, at: int, length_bytes: int) -> int:
        field = self._content[at : at + length_bytes]
        if len(field) != length_bytes:
            raise MalformedError("the pickle is cut short")
        return int.from_bytes(field, "little")

    def _end(self, start: int, length: int) -> int:
        if length > self._size - start:
            raise MalformedError(f"the pickle is cut short: {length} bytes are claimed, {self._size - start} are left")
        return start + length

    def _line(self, at: int, most: int | None = None) -> tuple[bytes, int]:
        end = self._content.find(b"\n", at, self._size if most is None else at + most)
        if end < 0:
            raise MalformedError("the pickle is cut short, or a number or name in it is too long")
        return self._content[at:end], end + 1

    def _items(self) -> list[Any]:
        """Take everything down to the last mark off the stack."""
        if not self._marks:
            raise MalformedError("the pickle takes from an empty stack")
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    def _top(self, kind: type[Any]) -> Any:
        """Return the top of the stack, which must be a container of a kind."""
        top = self._stack[-1]
        if type(top) is not kind:
            raise MalformedError(f"the pickle fills a {kind.__name__} that is none")
        return top

    def _push_container(self, container: Any) -> None:
        self.charge(CONTAINER_BYTES)
        self._stack.append(container)

    def _set(self, items: list[Any]) -> None:
        """Set keys and values that alternate in `items` in the dict on top of the stack."""
        if len(items) % 2:
            raise MalformedError("the pickle sets a key without a value")
        self._top(dict).update(zip(map(checked_key, items[::2]), items[1::2], strict=True))


def _push_constant(value: Any) -> _Handler:
    """Return a handler that pushes a value that cannot change."""

    def push(machine: PickleMachine, at: int) -> int:
        machine._stack.append(value)
        return at

    return push


def _sized(handler: Callable[[PickleMachine, int, int], int], size: int) -> _Handler:
    """Return a handler for one of several opcodes that differ in a size alone."""
    return lambda machine, at: handler(machine, at, size)


def _refuse(machine: PickleMachine, at: int) -> int:
    """Refuse the opcodes that make objects of classes, look elsewhere, or do not exist."""
    opcode = machine._content[at - 1]
    if opcode in (pickle.NEXT_BUFFER[0], pickle.READONLY_BUFFER[0]):
        raise MalformedError("the pickle keeps its arrays elsewhere (buffers out of band)")
    raise MalformedError(f"the pickle has the opcode {opcode:#04x} at byte {at - 1}, which no dataset needs")


# Unknown to Python 2, which writes no other escapes than these.
_UNKNOWN_ESCAPE = re.compile(rb"""\\(?!['"nrtabfv]|x[0-9a-fA-F]{2})""")

_KNOWN_HANDLERS: dict[bytes, _Handler] = {
    pickle.PROTO: PickleMachine._protocol,
    pickle.FRAME: PickleMachine._frame,
    pickle.NONE: _push_constant(None),
    pickle.NEWTRUE: _push_constant(True),
    pickle.NEWFALSE: _push_constant(False),
    pickle.EMPTY_TUPLE: _push_constant(()),
    pickle.BINUNICODE8: PickleMachine._text8,
    pickle.UNICODE: PickleMachine._unicode_line,
    pickle.STRING: PickleMachine._string_line,
    pickle.SHORT_BINSTRING: _sized(PickleMachine._string, 1),
    pickle.BINSTRING: _sized(PickleMachine._string, 4),
    pickle.SHORT_BINBYTES: _sized(PickleMachine._bytes, 1),
    pickle.BINBYTES: _sized(PickleMachine._bytes, 4),
    pickle.BINBYTES8: _sized(PickleMachine._bytes, 8),
    pickle.BYTEARRAY8: _sized(PickleMachine._bytes, 8),
    pickle.INT: PickleMachine._integer_line,
    pickle.LONG: PickleMachine._integer_line,
    pickle.LONG1: _sized(PickleMachine._long, 1),
    pickle.LONG4: _sized(PickleMachine._long, 4),
    pickle.FLOAT: PickleMachine._float_line,
    pickle.BINFLOAT: PickleMachine._float8,
    pickle.MARK: PickleMachine._mark,
    pickle.POP: PickleMachine._pop,
    pickle.POP_MARK: PickleMachine._pop_mark,
    pickle.DUP: PickleMachine._duplicate,
    pickle.PUT: PickleMachine._put_line,
    pickle.GET: PickleMachine._get_line,
    pickle.EMPTY_LIST: PickleMachine._empty_list,
    pickle.LIST: PickleMachine._list,
    pickle.APPEND: PickleMachine._append,
    pickle.APPENDS: PickleMachine._appends,
    pickle.TUPLE: PickleMachine._tuple,
    pickle.TUPLE1: _sized(PickleMachine._tuple_of, 1),
    pickle.TUPLE2: _sized(PickleMachine._tuple_of, 2),
    pickle.TUPLE3: _sized(PickleMachine._tuple_of, 3),
    pickle.EMPTY_DICT: PickleMachine._empty_dict,
    pickle.DICT: PickleMachine._dict,
    pickle.SETITEM: PickleMachine._set_item,
    pickle.SETITEMS: PickleMachine._set_items,
    pickle.EMPTY_SET: PickleMachine._empty_set,
    pickle.ADDITEMS: PickleMachine._add_items,
    pickle.FROZENSET: PickleMachine._frozen_set,
    pickle.GLOBAL: PickleMachine._global,
    pickle.STACK_GLOBAL: PickleMachine._stack_global,
    pickle.REDUCE: PickleMachine._reduce,
    pickle.BUILD: PickleMachine._build,
}
_HANDLERS = [_KNOWN_HANDLERS.get(bytes([opcode]), _refuse) for opcode in range(256)]
