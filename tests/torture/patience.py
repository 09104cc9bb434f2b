"""Less patience with what never ends: the files have some kilobytes, and what takes seconds for one takes for ever.

Importing this sets it, also in the processes in which the package reads what is not trusted.
"""

import signal

from number_generator.formats.isolated import read_through
from number_generator.system import isolation

__all__ = ["PATIENCE_S", "read_through"]

PATIENCE_S = 4.0
"""Time of the processor for one file."""

isolation.STALL_S, isolation._BUSY_S = PATIENCE_S, 0
if signal.getitimer(signal.ITIMER_PROF)[0] > PATIENCE_S:  # set before, and what hangs in C lets nobody set it again
    signal.setitimer(signal.ITIMER_PROF, PATIENCE_S)
