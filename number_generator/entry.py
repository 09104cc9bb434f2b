"""Where the commands' processes start: the signal handlers stand before anything else is loaded."""

import gc
import os
import sys

from number_generator.system.signals import Interruption

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from typing import NoReturn

__all__ = ["generate_numbers_sequence", "generate_phone_numbers", "run_module"]


def generate_numbers_sequence() -> "NoReturn":
    """Run `generate-numbers-sequence` with the arguments of this process."""
    _run("generate_numbers_sequence")


def generate_phone_numbers() -> "NoReturn":
    """Run `generate-phone-numbers` with the arguments of this process."""
    _run("generate_phone_numbers")


def run_module() -> "NoReturn":
    """Run `python -m number_generator` with the arguments of this process."""
    interruption = Interruption()
    interruption.install()
    _open_closed_streams()
    from number_generator.commands.main import main  # noqa: PLC0415 - see the module's first line

    sys.exit(main(sys.argv[1:], interruption))


def _run(command: str) -> "NoReturn":
    interruption = Interruption()
    interruption.install()
    # Start-up makes a great many objects that all stay. Looking through them for cycles, again and again and once more
    # at exit, took half a second; the process is the command's own, and what a run makes is freed without that.
    gc.disable()
    _open_closed_streams()
    # Where scipy is installed, numba loads its linear algebra at start-up, a fifth of a second. Nothing here needs it,
    # and the process is the command's own.
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]
    from number_generator.commands import generate  # noqa: PLC0415 - see the module's first line

    status = getattr(generate, command)(sys.argv[1:], interruption)
    gc.freeze()
    sys.exit(status)


def _open_closed_streams() -> None:
    """Stand in for standard streams that were closed: printing must not fail, nor a file of ours get their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The system gives the lowest free number, which is the stream's own.
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - no pathlib yet; open until the end
