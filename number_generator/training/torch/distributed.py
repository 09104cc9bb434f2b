"""The share of the work that a process has, in PyTorch's terms: its rank and the world size."""

from typing import Any

import torch

from number_generator.errors import SpecError
from number_generator.system.checks import check_integer


def check_share(rank: Any, world_size: Any) -> tuple[int, int] | None:
    """Return rank and world size, or None if neither is given; raise SpecError if they are not valid."""
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None:
        raise SpecError(f"rank is {rank!r} and world_size is {world_size!r}: give both, or neither")
    count = check_integer("world_size", world_size, 1)
    return check_integer("rank", rank, 0, count - 1), count


def find_rank_and_world_size() -> tuple[int, int]:
    """Return the current rank and world size of `torch.distributed`, or (0, 1) where it is not in use."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
