"""Commands that read what others may have made do so in a child process, for whose end this one answers."""

import argparse
import os
import signal

from number_generator.errors import DatasetError
from number_generator.system.isolation import STALL_S, Ending, can_fork, compute_limit, run_in_child
from number_generator.system.signals import LEFT_TO_NEXT, Interruption


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
    raise DatasetError(f"{_join(names)}: {_describe(ending)}")


def _may_be_path(name: str) -> bool:
    """Tell whether a name may be one of a file: it is there, or it is a mixture, which names some."""
    return "\0" not in name and (os.path.lexists(name) or "=" in name)


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} or another of {len(names)}"


def _describe(ending: Ending) -> str:
    """Say how a child was killed, and what it has left."""
    reason = f"reading it crashed ({signal.Signals(ending.killed_by or 0).name}); its content is damaged"
    if ending.killed_by == signal.SIGPROF:
        reason = f"reading it did not come to an end in {STALL_S} s of processor time; its content is damaged"
    elif ending.killed_by == signal.SIGKILL:
        reason = "reading it was ended by the system (SIGKILL), most likely as memory ran out"
    return f"{reason}; {'no unfinished file is left' if ending.is_clean else LEFT_TO_NEXT}"
