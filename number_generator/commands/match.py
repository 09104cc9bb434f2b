"""The arguments of `number-generator match`."""

from number_generator.job.defaults import MATCH_EVALUATIONS, PACKAGE_PROGRAM
from number_generator.system.home import expand_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.commands.generate import Commands

_TEXT = (
    "Find a style whose images look like scans: line images of any size, without labels. Paper, ink, scan and writing "
    "are measured alike on the scans and on drawn images, and the ranges of a style are chosen so that both measure "
    "alike. Writes the style, with comments, and a report of one page."
)


def add_match(commands: "Commands") -> None:
    """Add `match` to the commands of `number-generator`."""
    parser = commands.add_parser(
        "match",
        help="find a style that looks like scans",
        description=_TEXT,
        examples=[
            f"{PACKAGE_PROGRAM} match scans -o mine.toml",
            f"{PACKAGE_PROGRAM} match scans -o mine.toml --evaluations 2000 --minutes 10",
            f"{PACKAGE_PROGRAM} match scans -o mine.toml --keep-paper paper",
        ],
    )
    parser.add_argument(
        "source",
        type=expand_home,
        metavar="SCANS",
        help="a folder of pictures of one line each, or a dataset of any format that `convert` reads; 50 are enough",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=expand_home,
        metavar="STYLE.toml",
        help="the style to write, which --style takes; its folder is created if missing",
    )
    parser.add_argument(
        "--report",
        type=expand_home,
        metavar="REPORT.html",
        help="the page to write (default: STYLE.html, beside the style)",
    )
    parser.add_argument(
        "--style",
        default="document",
        type=expand_home,
        metavar="NAME|FILE.toml",
        help="what to begin from, and what stays where scans do not tell (default: %(default)s)",
    )
    parser.add_argument(
        "--evaluations",
        type=int,
        default=MATCH_EVALUATIONS,
        metavar="N",
        help="styles that are drawn and compared with the scans; with the seed they decide the result (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="stop after so many, evaluations or not (default: no limit)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="integer from 0 to 2**64 - 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--digits",
        type=expand_home,
        metavar="NAME|FILE|DIR",
        help="digits to draw with, as for `generate` (default: as there)",
    )
    parser.add_argument(
        "--keep-paper",
        type=expand_home,
        metavar="DIR",
        help="also write the paper of up to 128 scans, their ink mended, as pictures that --paper takes",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="number of threads (default: one per core)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier style, report and paper")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    parser.set_defaults(work="number_generator.commands.work.match:match_scans", reads="source")
