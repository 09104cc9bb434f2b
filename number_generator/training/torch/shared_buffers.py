"""Memory in which batches travel from a `DataLoader`'s worker process to the reading one, and that comes back.

PyTorch passes a tensor between processes as a file descriptor, by a socket of its own: a millisecond for each, and its
pages are new each time, which costs as much as drawing a third of the images. Here a worker has a few slots of shared
memory, which the reading process maps once. A slot is used again when the reader has dropped the batch in it, and the
worker, too.
"""

import multiprocessing
import os
import threading
import uuid
import weakref
from functools import lru_cache
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import torch
from torch.multiprocessing.reductions import reduce_tensor

__all__ = ["Lender", "find_lender"]

# DataLoader has two batches ahead for each worker, and whoever trains holds one or two.
_SLOTS = 6
_FREE, _LENT = 0, 1


class Lender:
    """The slots of one worker process.

    Parameters
    ----------
    size : int
        Bytes of a slot.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._ring = _Ring(uuid.uuid4().hex, os.getpid())
        self._flags = _new_shared(_SLOTS).zero_()
        self._slots: list[torch.Tensor] = []
        # Arrays that live as long as any tensor here does whose memory is the slot's.
        self._used_here: list[weakref.ref[np.ndarray[Any, Any]]] = []
        self._lock = threading.Lock()

    def lend(self, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
        """Give memory for images, shape (n, H, W), as an array, and as a tensor of shape (n, 1, H, W).

        It is that of a slot where one is free.
        """
        size = int(np.prod(shape))
        with self._lock:
            slot = self._free_slot() if 0 < size <= self._size else None
            if slot is None:
                memory = _new_shared(size).view(shape)
                return memory.numpy(), memory.unsqueeze(1)
            array = self._slots[slot][:size].numpy().reshape(shape)
            self._used_here[slot] = weakref.ref(array)
        tensor = torch.from_numpy(array).unsqueeze(1).as_subclass(_LentTensor)
        tensor.place = (self._ring, slot, self._slots[slot], self._flags, array)
        return array, tensor

    def _free_slot(self) -> int | None:
        for slot, used in enumerate(self._used_here):
            if used() is None and self._flags[slot] == _FREE:
                return slot
        if len(self._slots) == _SLOTS:
            return None
        self._slots.append(_new_shared(self._size))
        self._used_here.append(weakref.ref(np.empty(0)))
        return len(self._slots) - 1


@lru_cache(maxsize=8)
def find_lender(size: int) -> Lender:
    """Give this process's slots of a size, the same ones in each epoch: the reader keeps what it has been sent."""
    return Lender(size)


class _LentTensor(torch.Tensor):
    """A tensor in a slot, which `DataLoader` sends as the slot's number.

    What is made of it is a plain tensor: one that shares its memory is copied when it is sent, and keeps the slot from
    being used again while it lives.
    """

    place: tuple[Any, ...]
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.detach().__reduce_ex__(protocol)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: Any) -> torch.Tensor:
        return self.clone()


def _reduced(tensor: _LentTensor) -> tuple[Any, ...]:
    """Give what goes between the processes."""
    ring, slot, memory, flags, array = tensor.place
    # The reader may have it from a time before. And where a view of it was sent, PyTorch has moved both elsewhere.
    if flags[slot] == _LENT or tensor.data_ptr() != array.ctypes.data:
        return reduce_tensor(tensor.clone())  # type: ignore[no-untyped-call]
    flags[slot] = _LENT
    # The first time, the memory goes along; the reader keeps it.
    first = slot not in ring.sent
    ring.sent.add(slot)
    return _received, (ring.name, ring.process, slot, tuple(tensor.shape), (memory, flags) if first else None)


ForkingPickler.register(_LentTensor, _reduced)


class _Ring:
    """What names a worker's slots, and which of them the reader knows."""

    def __init__(self, name: str, process: int) -> None:
        self.name = name
        self.process = process
        self.sent: set[int] = set()


_known: dict[tuple[str, int], tuple[torch.Tensor, torch.Tensor, int]] = {}
"""In the reading process: memory and flags of each slot, and the worker that they are of."""
_knowing = threading.Lock()


def _received(
    ring: str, process: int, slot: int, shape: tuple[int, ...], new: tuple[torch.Tensor, torch.Tensor] | None
) -> torch.Tensor:
    """Give the batch in a slot, in the reading process; when all of it is dropped, the slot is free."""
    with _knowing:
        if new is not None:
            alive = {child.pid for child in multiprocessing.active_children()}
            for key in [key for key, (_, _, worker) in _known.items() if key[0] != ring and worker not in alive]:
                del _known[key]
            _known[ring, slot] = (*new, process)
        memory, flags, _ = _known[ring, slot]
    # The tensor holds this array, and this array alone, for as long as any of its views lives.
    array = memory.numpy()[: int(np.prod(shape))].reshape(shape)
    weakref.finalize(array, _give_back, flags, slot, os.getpid()).atexit = False
    return torch.from_numpy(array)


def _give_back(flags: torch.Tensor, slot: int, process: int) -> None:
    # Not in a process that was forked meanwhile: what it drops may be in use here.
    if os.getpid() == process:
        flags[slot] = _FREE


def _new_shared(size: int) -> torch.Tensor:
    storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
    return torch.empty(0, dtype=torch.uint8).set_(storage)
