"""Where the processes of the commands start: signal handlers are installed before anything else loads."""

import gc
import os
import sys

from number_generator.system.signals import Interruption

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from typing import NoReturn


def generate_numbers_sequence() -> "NoReturn":
    """Run `generate-numbers-sequence` with the arguments of this process."""
    _run("generate_numbers_sequence")


def generate_phone_numbers() -> "NoReturn":
    """Run `generate-phone-numbers` with the arguments of this process."""
    _run("generate_phone_numbers")


def number_generator() -> "NoReturn":
    """Run `number-generator` with the arguments of this process."""
    _run_any("number-generator")


def run_module() -> "NoReturn":
    """Run `python -m number_generator` with the arguments of this process."""
    _run_any("python -m number_generator")


def _run_any(program: str) -> "NoReturn":
    interruption = Interruption()
    interruption.install()
    if sys.argv[1:2] in (["generate"], ["image"]):
        _start_quickly()
    _open_closed_streams()
    from number_generator.commands.main import main  # noqa: PLC0415 - see the module's first line

    status = main(sys.argv[1:], interruption, isolates=True, program=program)
    gc.freeze()
    sys.exit(status)


def _run(command: str) -> "NoReturn":
    interruption = Interruption()
    interruption.install()
    _start_quickly()
    _open_closed_streams()
    from number_generator.commands import generate  # noqa: PLC0415 - see the module's first line

    status = getattr(generate, command)(sys.argv[1:], interruption)
    gc.freeze()
    sys.exit(status)


def _start_quickly() -> None:
    """Leave out what a command that draws has no use for."""
    # Start-up makes very many objects, all of which stay. Searching them for cycles, repeatedly and again at exit, took
    # half a second. The process belongs to the command, and a run frees its memory without the collector.
    gc.disable()
    # If scipy is installed, numba loads its linear algebra at start-up, which takes a fifth of a second. Nothing here
    # needs it, and the process belongs to the command.
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type] # None blocks the import


def _open_closed_streams() -> None:
    """Replace standard streams that are closed: printing must not fail, and no other file may get their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The system assigns the lowest free number, which is that of the stream.
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - no pathlib yet; open until the end
