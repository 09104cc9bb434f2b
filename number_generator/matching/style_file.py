"""A matched style as a TOML file that says why each value is what it is."""

import textwrap

from number_generator._version import __version__
from number_generator.job.handwriting import STYLES
from number_generator.matching.match import FEW_SCANS, Change, Match
from number_generator.system.toml import format_toml

_COLUMNS = 96


def format_style_file(match: Match) -> str:
    """Return the file: what `--style` takes, with comments."""
    base, _ = match.base.settings()
    table, usual = match.style.to_dict(), STYLES[base].to_dict()
    changes = {change.name: change for change in match.changes}
    lines = [*_comment(_describe(match)), "", f'base = "{base}"']
    for name, value in table.items():
        if value == usual.get(name) or name == "paper_images":
            continue
        lines += ["", *_comment(_explain(changes[name]))] if name in changes else [""]
        lines.append(f"{name} = {format_toml(value)}")
    if match.untold:
        names = ", ".join(match.untold)
        lines += ["", *_comment(f"Left as they were, as these scans do not tell them: {names}.")]
    return "".join(f"{line}\n" for line in lines)


def describe_distance(match: Match) -> str:
    """Return how near the style came, in a sentence."""
    low, high = match.interval
    return (
        f"Distance from the scans: {match.distance:.2f} ({low:.2f} to {high:.2f} for other scans like them), where "
        f"the style it began from is {match.base_distance:.2f} away and the scans' own halves are {match.floor[0]:.2f} "
        "apart."
    )


def list_doubts(match: Match) -> list[str]:
    """Return what speaks against trusting the result, in sentences."""
    count, doubts = len(match.scanned.pages), []
    if count < FEW_SCANS:
        doubts.append(
            f"{count} scans tell little: their own halves are {match.floor[0]:.2f} apart. Ranges are widened by what "
            f"is not known; give {FEW_SCANS} or more."
        )
    if match.is_cut:
        doubts.append(
            f"The time was up after {match.evaluations} evaluations: another run may end elsewhere. Leave the minutes "
            "out for a result that the seed and the evaluations decide."
        )
    if not match.changes:
        doubts.append(
            "No style was found that is nearer than the one it began from: give more evaluations; 600 are usual."
        )
    if match.scans.unreadable:
        doubts.append(f"{len(match.scans.unreadable)} pictures could not be read, such as {match.scans.unreadable[0]}.")
    blank = len(match.scans.pages) - count
    if blank:
        doubts.append(f"{blank} images show no ink, and were left out.")
    if match.scans.turned:
        doubts.append(
            f"{match.scans.turned} scans have light ink on dark paper, and were turned; so should those be that a "
            "reader gets."
        )
    return doubts


def _describe(match: Match) -> str:
    scans = len(match.scanned.pages)
    text = (
        f"A style that looks like {scans} scans, made by number_generator {__version__} match from "
        f"{match.base.settings()[0]} (seed {match.seed}, {match.evaluations} evaluations). {describe_distance(match)}"
    )
    return " ".join([text, *list_doubts(match)])


def _explain(change: Change) -> str:
    if not change.measures:
        return f"was {change.before}: what the scans show is in height and margin"
    error = f", its middle within {change.error:.2g}" if change.error else ""
    return f"was {change.before}; told by: {', '.join(change.measures).lower()}{error}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, _COLUMNS, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False, break_long_words=False
    )
