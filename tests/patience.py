"""How long tests wait for other processes."""

import os

# Ends what hangs. No test is to fail because the machine is busy, so it is far longer than anything takes.
PATIENCE_S = 1800


def slowness():
    """Return how many times as long as on an idle machine work takes now, judged by the load average."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    return max(1, load / os.cpu_count())
