"""The arguments of `number-generator studio`."""

from number_generator.job.defaults import PACKAGE_PROGRAM
from number_generator.system.home import expand_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.commands.generate import Commands


def add_studio(commands: "Commands") -> None:
    """Add the command that opens the page."""
    text = (
        "Open a page in the browser that tunes a style by eye: all parameters as sliders, and lines drawn anew at each "
        "change, beside your scans if there are any. It is served on this machine alone, needs no network, and reads "
        "and writes no file but those that you name. Ctrl-C ends it."
    )
    name = f"{PACKAGE_PROGRAM} studio"
    parser = commands.add_parser(
        "studio",
        help="tune a style by eye",
        description=text,
        examples=[name, f"{name} --style mine.toml --scans lines.h5", f"{name} --port 8500 --no-browser"],
    )
    parser.add_argument(
        "--style",
        default="document",
        type=expand_home,
        metavar="NAME|FILE.toml",
        help="what to start from: clean, natural or document, or a file of parameters, which is also where the page "
        "proposes to save (default: %(default)s)",
    )
    parser.add_argument(
        "--scans",
        type=expand_home,
        metavar="LINES",
        help="line images of yours to show beside the drawn ones: a dataset of any format that `convert` reads, or a "
        "folder of pictures",
    )
    parser.add_argument(
        "--digits",
        type=expand_home,
        metavar="NAME|FILE|DIR",
        help="digits to compose from, as for `generate`; named ones must be downloaded (default: as for `generate`)",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="port to serve at, on 127.0.0.1 (default: a free one)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="only print the address (default: open it in the browser as well)"
    )
    parser.set_defaults(work="number_generator.commands.work.studio:open_studio")
