"""The tables of what was tried, in the terminal and in `docs/reliability.md`."""

import platform
import time
from typing import NamedTuple

from number_generator import __version__

__all__ = ["Part", "tables", "written_into"]

_BEGIN, _END = "<!-- torture: begin -->", "<!-- torture: end -->"
_ROWS = (
    "pickle",
    "hdf5",
    "npz",
    "png",
    "lmdb",
    "webdataset",
    "parquet",
    "index",
    "journal",
    "idx",
    "digits",
    "style",
    "numbers",
)
_WORDS = {
    "hdf5": "HDF5",
    "npz": "NPZ",
    "png": "PNG",
    "lmdb": "LMDB",
    "webdataset": "WebDataset",
    "parquet": "Parquet",
    "index": "index of shards",
    "journal": "journal of `--resume`",
    "idx": "IDX",
    "digits": "digits, files and folders",
    "style": "style in TOML",
    "numbers": "numbers in text and CSV",
}


class Part(NamedTuple):
    """What was tried in one part, and what was found.

    Attributes
    ----------
    name : str
    counts : dict of str to int
        How much of each format.
    about : str
        What came of it.
    findings : list of str
    elapsed_s : float
    """

    name: str
    counts: dict
    about: str
    findings: list
    elapsed_s: float

    @property
    def total(self):
        """How much in all."""
        return sum(self.counts.values())


def tables(parts):
    """Return the tables of some parts in Markdown: one of them all, and one by format."""
    lines = [
        f"Version {__version__}, {time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()} on "
        f"{platform.system()}:",
        "",
        "| what | how many | what came of it | findings | seconds |",
        "|---|---:|---|---:|---:|",
    ]
    for part in parts:
        counts = f"{part.total:,} | {part.about} | {len(part.findings):,} | {part.elapsed_s:,.0f}"
        lines.append(f"| {part.name} | {counts} |")
    columns = [part for part in parts if set(part.counts) <= set(_ROWS)]
    lines += ["", f"| | {' | '.join(part.name for part in columns)} |", f"|---|{'---:|' * len(columns)}"]
    for row in _ROWS:
        counts = [part.counts.get(row, 0) for part in columns]
        if any(counts):
            lines.append(
                f"| {_WORDS.get(row, row)} | {' | '.join(f'{count:,}' if count else '' for count in counts)} |"
            )
    return "\n".join(lines)


def written_into(path, text):
    """Put text between the two marks of a page."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
