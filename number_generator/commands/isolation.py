"""Commands that read what others may have made do so in a child process, for whose end this one answers."""

import argparse
import os

from number_generator.errors import DatasetError
from number_generator.system.isolation import can_fork, compute_limit, describe_death, name_paths, run_in_child
from number_generator.system.signals import LEFT_TO_NEXT, NOTHING_UNFINISHED, Interruption


def read_in_child(options: argparse.Namespace, interruption: Interruption) -> int | None:
    """Go on in a child if the command reads a file or a folder; return its exit status in the parent, else None.

    The default `reads` of a parser names the option that holds what is read: one name, or a list of them.

    Raises
    ------
    DatasetError
        If the child has crashed or never ends.
    """
    given = getattr(options, getattr(options, "reads", ""), [])
    names = [name for name in ([given] if isinstance(given, str) else given) if _may_be_path(name)]
    if not names or not can_fork():
        return None
    ending = run_in_child(compute_limit(names), interruption)
    if ending is None or ending.killed_by is None:
        return None if ending is None else ending.status
    left = NOTHING_UNFINISHED if ending.is_clean else LEFT_TO_NEXT
    raise DatasetError(f"{name_paths(names)}: {describe_death(ending.killed_by)}; {left}")


def _may_be_path(name: str) -> bool:
    """Tell whether a name may be one of a file: it is there, or it is a mixture, which names some."""
    return "\0" not in name and (os.path.lexists(name) or "=" in name)
