"""The page that tunes a style by eye, until a signal ends it."""

import argparse
import os
import sys
import webbrowser

from number_generator.commands.terminal import say, tell
from number_generator.studio.files import describe_start
from number_generator.studio.pages import Studio, make_application
from number_generator.studio.serving import Server
from number_generator.system.checks import check_integer
from number_generator.system.signals import Interruption

_HIGHEST_PORT = 65535


def open_studio(options: argparse.Namespace, _: Interruption) -> None:
    """Serve the page, and open it in the browser; only a signal ends this."""
    port = check_integer("--port", options.port, 0, _HIGHEST_PORT)
    start = describe_start(options.style)
    with Server(port) as server:  # a port in use is told before anything is read
        scans = None
        if options.scans is not None:
            from number_generator.studio.scans import Scans  # noqa: PLC0415 - takes a while to load, and few have any

            scans = Scans(options.scans)
        if options.digits:
            from number_generator.studio.designs import find_digits  # noqa: PLC0415 - loads compiled code

            find_digits(options.digits)
        studio = Studio(start, options.digits or "", scans, tell)
        server.start(make_application(studio))
        say(f"The studio is at {server.address}\nCtrl-C ends it.")
        sys.stdout.flush()  # whoever reads it through a pipe waits for it
        if not options.no_browser and _has_screen():
            webbrowser.open(server.address_once)
        studio.warm()
        server.wait()


def _has_screen() -> bool:
    """Tell whether a browser would have a window; without one, a browser of the terminal would take that."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
