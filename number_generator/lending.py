"""Memory in which batches travel from a `DataLoader`'s worker process to the reading one, and that comes back.

PyTorch passes a tensor between processes as a file descriptor, by a socket of its own: a millisecond for each, and its
pages are new each time, which costs as much as drawing a third of the images. Here a worker has a few slots of shared
memory, which the reading process maps once. A slot is used again when the reader has dropped the batch in it.
"""

import os
import threading
import uuid
import weakref
from typing import Any

import numpy as np
import torch

__all__ = ["Lender"]

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

    def lend(self, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
        """Give memory for images, shape (n, H, W), as an array, and as a tensor of shape (n, 1, H, W).

        It is that of a slot where one is free.
        """
        count, height, width = shape
        size = count * height * width
        slot = self._free_slot() if 0 < size <= self._size else None
        memory = _new_shared(size) if slot is None else self._slots[slot][:size]
        tensor = memory.view(count, 1, height, width)
        if slot is not None:
            self._flags[slot] = _LENT
            tensor = tensor.as_subclass(_LentTensor)
            tensor.place = (self._ring, slot, self._slots[slot], self._flags)
        return memory.view(shape).numpy(), tensor

    def _free_slot(self) -> int | None:
        for slot in range(len(self._slots)):
            if self._flags[slot] == _FREE:
                return slot
        if len(self._slots) == _SLOTS:
            return None
        self._slots.append(_new_shared(self._size))
        return len(self._slots) - 1


class _LentTensor(torch.Tensor):
    """A tensor in a slot.

    This object alone can give the slot back. What is made of it is a plain tensor, and its slot is not used again.
    """

    place: tuple[Any, ...]
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        ring, slot, memory, flags = self.place
        # The first time, the memory goes along; the reader keeps it.
        first = slot not in ring.sent
        ring.sent.add(slot)
        return _received, (ring.name, ring.process, slot, tuple(self.shape), (memory, flags) if first else None)


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
            for key in [key for key, (_, _, worker) in _known.items() if key[0] != ring and not _is_alive(worker)]:
                del _known[key]
            _known[ring, slot] = (*new, process)
        memory, flags, _ = _known[ring, slot]
    # The tensor holds this array, and this array alone, for as long as any of its views lives.
    array = memory.numpy()[: int(np.prod(shape))].reshape(shape)
    weakref.finalize(array, _give_back, flags, slot).atexit = False
    return torch.from_numpy(array)


def _give_back(flags: torch.Tensor, slot: int) -> None:
    flags[slot] = _FREE


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _new_shared(size: int) -> torch.Tensor:
    storage = torch.UntypedStorage._new_shared(size)  # type: ignore[no-untyped-call]
    return torch.empty(0, dtype=torch.uint8).set_(storage)
