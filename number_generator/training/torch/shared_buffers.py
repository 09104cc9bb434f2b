"""Reusable memory in which batches travel from a `DataLoader`'s worker process to the reading one.

PyTorch passes a tensor between processes as a file descriptor, through a new socket: a millisecond each time, and the
pages are always new, which costs as much as drawing a third of the images. Here a worker has a few slots of shared
memory, which the reading process maps once. A slot is reused once both the reader and the worker have dropped the batch
in it.
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

# DataLoader keeps two batches ahead per worker, and the training loop holds one or two.
_SLOTS = 6
_FREE, _LENT = 0, 1


class Lender:
    """The slots of one worker process, of `size` bytes each."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.name = uuid.uuid4().hex
        self.process = os.getpid()
        self.flags = _allocate_shared(_SLOTS).zero_()
        self.slots: list[torch.Tensor] = []
        self.known: set[int] = set()  # the slots that the reader has mapped
        # By slot, an array that lives as long as any tensor of this process on the slot's memory.
        self._used_here: list[weakref.ref[np.ndarray[Any, Any]]] = []
        self._lock = threading.Lock()

    def lend(self, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
        """Allocate memory for images, shape (n, H, W), as an array and as a tensor of shape (n, 1, H, W).

        It is the memory of a slot if one is free.
        """
        size = int(np.prod(shape))
        with self._lock:
            slot = self._find_free_slot() if 0 < size <= self._size else None
            if slot is None:
                memory = _allocate_shared(size).view(shape)
                return memory.numpy(), memory.unsqueeze(1)
            array = self.slots[slot][:size].numpy().reshape(shape)
            self._used_here[slot] = weakref.ref(array)
        tensor = torch.from_numpy(array).unsqueeze(1).as_subclass(_LentTensor)
        tensor.place = (self, slot, array)
        return array, tensor

    def _find_free_slot(self) -> int | None:
        for slot, used in enumerate(self._used_here):
            if used() is None and self.flags[slot] == _FREE:
                return slot
        if len(self.slots) == _SLOTS:
            return None
        self.slots.append(_allocate_shared(self._size))
        self._used_here.append(weakref.ref(np.empty(0)))
        return len(self.slots) - 1


@lru_cache(maxsize=8)
def find_lender(size: int) -> Lender:
    """Return this process's slots of a size, the same in each epoch, as the reader keeps those it has been sent."""
    return Lender(size)


class _LentTensor(torch.Tensor):
    """A tensor in a slot, which `DataLoader` sends as the slot's number.

    Tensors derived from it are plain: a view is copied when it is sent, and keeps the slot from being reused while it
    lives.
    """

    place: tuple[Lender, int, np.ndarray[Any, Any]]
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment] # as PyTorch documents

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.detach().__reduce_ex__(protocol)  # type: ignore[no-untyped-call] # of PyTorch

    def __deepcopy__(self, memo: Any) -> torch.Tensor:
        return self.clone()


def _reduce(tensor: _LentTensor) -> tuple[Any, ...]:
    """Return what is sent to the other process."""
    lender, slot, array = tensor.place
    # The reader may still hold the slot. And if a view was sent, PyTorch has moved both elsewhere.
    if lender.flags[slot] == _LENT or tensor.data_ptr() != array.ctypes.data:
        return reduce_tensor(tensor.clone())  # type: ignore[no-untyped-call] # of PyTorch
    lender.flags[slot] = _LENT
    # The memory goes along the first time; the reader keeps it.
    new = None if slot in lender.known else (lender.slots[slot], lender.flags)
    lender.known.add(slot)
    return _receive, (lender.name, lender.process, slot, tuple(tensor.shape), new)


ForkingPickler.register(_LentTensor, _reduce)


_known: dict[tuple[str, int], tuple[torch.Tensor, torch.Tensor, int]] = {}
"""In the reading process: memory and flags of each slot, and the worker that it belongs to."""
_knowing = threading.Lock()


def _receive(
    lender: str, process: int, slot: int, shape: tuple[int, ...], new: tuple[torch.Tensor, torch.Tensor] | None
) -> torch.Tensor:
    """Return the batch in a slot, in the reading process; the slot is free once the whole batch is dropped."""
    with _knowing:
        if new is not None:
            alive = {child.pid for child in multiprocessing.active_children()}
            for key in [key for key, (_, _, worker) in _known.items() if key[0] != lender and worker not in alive]:
                del _known[key]
            _known[lender, slot] = (*new, process)
        memory, flags, _ = _known[lender, slot]
    # The tensor holds exactly this array as long as any of its views lives.
    array = memory.numpy()[: int(np.prod(shape))].reshape(shape)
    weakref.finalize(array, _give_back, flags, slot, os.getpid()).atexit = False
    return torch.from_numpy(array)


def _give_back(flags: torch.Tensor, slot: int, process: int) -> None:
    # Not in a process forked meanwhile: what it drops may be in use here.
    if os.getpid() == process:
        flags[slot] = _FREE


def _allocate_shared(size: int) -> torch.Tensor:
    storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call] # of PyTorch
    return torch.empty(0, dtype=torch.uint8).set_(storage)
