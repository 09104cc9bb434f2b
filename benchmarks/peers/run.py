"""Draw the same lines with other packages, each in an environment of its own, and write `docs/peers.md`.

python benchmarks/peers/run.py                        build what is missing, measure, and print the page's table
python benchmarks/peers/run.py --write                write docs/peers.md and its picture as well
python benchmarks/peers/run.py --folder DIR           where the environments are kept (default: build/peers)
python benchmarks/peers/run.py --only NAME ...        a few of them, by name

number_generator itself is that of the environment that runs this script. Processes take turns, round by round, each on
one core and with one thread; their CPU time is what counts, so that other work on the machine matters little.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_ROUNDS = 9
_MARK = "answer: "  # as in worker.py, which is only loaded in other processes
_SHOWN = 8  # lines of the picture
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE_S = 3600  # for the largest environment on a slow line


Gives = tuple[str, str, str, str, str]
"""Labels; boxes and masks; the same again; streams and files; what can be varied."""


@dataclass(frozen=True)
class Peer:
    """A row of the table.

    Attributes
    ----------
    name : str
    script : str
        The module in this folder that draws.
    requirements : tuple of str
        What pip installs in the environment; none for the interpreter that runs everything.
    count : int
        Lines in a round, enough for some tenths of a second.
    look : str
        What the lines look like.
    nearest : str
        The style of number_generator that they are compared with.
    gives : tuple of str
    settings : str
        What was chosen, and why, if there is a choice.
    argument : str
        For the script.
    """

    name: str
    script: str
    requirements: tuple[str, ...]
    count: int
    look: str
    nearest: str
    gives: Gives
    settings: str = ""
    argument: str = ""

    @property
    def environment(self) -> str:
        """The name of the environment's folder."""
        return self.script


_OURS: Gives = (
    "yes, in six forms",
    "of the line and each digit; masks; every parameter that was drawn",
    "image i by seed and i alone, on any machine, in any order",
    "batches, PyTorch, seven formats, resumable and in shards",
    "over 60 distributions, presets, your own digits, letterforms and writers",
)

OURS = tuple(
    Peer(f"number_generator, {style}", "number_generator_lines", (), count, look, style, _OURS, argument=style)
    for style, count, look in (
        ("clean", 40_000, "handwritten digits as they are"),
        ("natural", 8_000, "varied handwriting"),
        ("document", 6_000, "varied handwriting on scanned paper"),
    )
)

_TRANSFORMED = "handwritten digits, turned, bent, blurred, noisy, JPEG"

PEERS = (
    Peer(
        "Pillow loop",
        "pillow_lines",
        ("Pillow==13.0.0", "numpy==2.4.6"),
        1_000,
        "handwritten digits as they are",
        "clean",
        ("what you write", "what you write", "what you write", "what you write", "gaps"),
        "NumPy puts the digits side by side, and Pillow shrinks what is too wide; digits are cropped beforehand.",
    ),
    Peer(
        "Albumentations",
        "albumentations_lines",
        ("albumentations==2.0.8", "Pillow==13.0.0", "numpy==2.4.6"),
        400,
        _TRANSFORMED,
        "document",
        (
            "passed on with the image",
            "moves the boxes and masks that you give it",
            "by the seed of the pipeline, in one process and order",
            "none: it works within a loader of yours",
            "transforms with probabilities; nothing that knows of digits",
        ),
        "on the Pillow loop: affine, elastic (approximate, its fast way), brightness and contrast, blur, noise, JPEG, "
        "each with a probability; OpenCV on one thread.",
    ),
    Peer(
        "torchvision",
        "torchvision_lines",
        ("torchvision==0.29.1", "Pillow==13.0.0", "numpy==2.4.6"),
        200,
        _TRANSFORMED,
        "document",
        (
            "passed on with the image",
            "moves the boxes and masks that you give it",
            "by PyTorch's seed, in one process and order",
            "none: it works within a loader of yours",
            "transforms; nothing that knows of digits",
        ),
        "the second version of its transforms, on lines of the packaged digits by the same loop, each line alone: a "
        "batch would get one draw for all its lines.",
    ),
    Peer(
        "TRDG",
        "trdg_lines",
        ("trdg==1.8.0", "Pillow<10", "numpy==2.4.6"),
        40,
        "printed fonts on noisy paper, turned, blurred",
        "document",
        (
            "yes",
            "masks; boxes of characters or words",
            "by seeding Python's and NumPy's global generators, in one process",
            "a Python generator; a command that writes images",
            "fonts, skew, blur, distortion, background, colour",
        ),
        "noisy background, skew up to 3 degrees, blur up to 1, all its Latin fonts. Its handwriting "
        "needs a TensorFlow model that pip does not install, and takes any text. Pillow 10 has removed what it calls.",
    ),
    Peer(
        "SynthTIGER",
        "synthtiger_lines",
        ("synthtiger==1.2.1", "Pillow<10", "numpy<2", "opencv-python<4.11"),
        100,
        "printed fonts on plain paper, turned, blurred, noisy, JPEG",
        "document",
        (
            "yes",
            "boxes and masks of glyphs, by a template",
            "by a seed a worker, which it can keep with each image",
            "a generator with worker processes; a command that writes what a template writes",
            "components with probabilities, in templates that you write",
        ),
        "its layers and components as its own templates put them together: rotation, skew, blur, noise, JPEG; the "
        "DejaVu fonts that come with its dependencies. Its dependency imgaug stops at NumPy 1, and it at Pillow 9.",
    ),
)


class PeerError(Exception):
    """A peer cannot be had, or does not do the task."""


@dataclass
class Result:
    """What was measured of a peer: versions and CPU seconds an image, round by round; or why it was not."""

    peer: Peer
    versions: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def rate(self) -> float:
        """Images a CPU second."""
        return 1 / statistics.median(self.seconds)


class Process:
    """The process of a peer, which waits for requests."""

    def __init__(self, peer: Peer, python: Path, digits: Path) -> None:
        self._errors = digits.with_name(f"{peer.script}-{peer.argument}.log")
        command = [str(python), str(_HERE / f"{peer.script}.py"), str(digits), peer.argument]
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
        if peer.requirements:  # of its own
            environment.pop("PYTHONPATH", None)
        else:
            del environment["NUMBA_NUM_THREADS"]
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.versions: dict[str, str] = self._read()

    def draw(self, *request: Any) -> float:
        """Draw so many lines with a seed, and return the CPU seconds."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what it has to say is in its log
            print(json.dumps(request), file=self._process.stdin, flush=True)
        return float(self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = next((line for line in self._process.stdout if line.startswith(_MARK)), "")
        if not line:
            self.end()
            said = self._errors.read_text(errors="replace").strip().splitlines()
            raise PeerError(said[-1] if said else f"it has ended with {self._process.returncode}")
        return json.loads(line.removeprefix(_MARK))

    def end(self) -> None:
        """Let the process end, as there will be no more requests."""
        self._process.communicate()


def build_environment(peer: Peer, folder: Path) -> Path:
    """Return the interpreter of a peer's environment, which is made unless it is there.

    Raises
    ------
    PeerError
        If its packages cannot be installed.
    """
    if not peer.requirements:
        return Path(sys.executable)
    place = folder / peer.environment
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = place / "requirements.txt"
    wanted = "\n".join(peer.requirements)
    if made.is_file() and made.read_text() == wanted:
        return python
    venv.create(place, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *peer.requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise PeerError(f"pip has not ended after {_PATIENCE_S} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise PeerError(errors[-1] if errors else "pip has failed")
    made.write_text(wanted)
    return python


def measure(peers: Sequence[Peer], folder: Path, rounds: int = _ROUNDS) -> list[Result]:
    """Measure peers in turn, round by round; one that cannot be had is skipped, with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    digits = _keep_digits(folder)
    results = [Result(peer) for peer in peers]
    processes = {result.peer.name: _start(result, folder, digits) for result in results}
    measured = [result for result in results if not result.reason]
    for number in range(rounds):
        for result in measured if number % 2 else measured[::-1]:
            count = result.peer.count
            process = processes[result.peer.name]
            assert process is not None
            result.seconds.append(process.draw(count, number + 2) / count)
    for process in filter(None, processes.values()):
        process.end()
    return results


def _start(result: Result, folder: Path, digits: Path) -> Process | None:
    """Start a peer's process, and let it draw once; if that cannot be, note the reason and return None."""
    try:
        process = Process(result.peer, build_environment(result.peer, folder), digits)
        process.draw(_SHOWN, 1, str(folder / f"{result.peer.name}.npy"))
        process.draw(result.peer.count, 1)  # warm
    except PeerError as exc:
        result.reason = str(exc)
        return None
    result.versions = process.versions
    return process


def _keep_digits(folder: Path) -> Path:
    """Write the packaged digits to a file that all environments can read."""
    from number_generator.digits.resolve import packaged_digits  # noqa: PLC0415 - what is measured loads here

    images, labels = packaged_digits().get_data()
    path = folder / "digits.npz"
    np.savez(path, images=images, labels=np.array(list(map(int, labels))))
    return path


def write_page(results: Sequence[Result]) -> str:
    """Return the page."""
    measured = [result for result in results if not result.reason]
    ours = {result.peer.argument: result for result in measured if not result.peer.requirements}
    rows = []
    for result in results:
        peer = result.peer
        if result.reason:
            rows.append(f"| {peer.name} | skipped: {result.reason.replace('|', '/')} | | | {peer.look} |")
            continue
        ratio = f"{ours[peer.nearest].rate / result.rate:,.3g}" if peer.requirements and peer.nearest in ours else ""
        against = f"`{peer.nearest}`" if ratio else ""
        rows.append(f"| {peer.name} | {_round(result.rate)} | {ratio} | {against} | {peer.look} |")
    names = {row.peer.gives: row.peer.name.split(",")[0] for row in results}
    gives = ["| " + " | ".join((name, *each)) + " |" for each, name in names.items()]
    versions = [
        f"- {result.peer.name}: " + ", ".join(f"{name} {version}" for name, version in result.versions.items())
        for result in measured
    ]
    return _PAGE.format(
        machine=_describe_machine(),
        rows="\n".join(rows),
        gives="\n".join(gives),
        settings="\n".join(f"- **{peer.name}**: {peer.settings}" for peer in PEERS if peer.settings),
        versions="\n".join(versions),
        rounds=_ROUNDS,
    )


def _round(rate: float) -> str:
    digits = max(0, len(str(round(rate))) - 3)
    return f"{round(rate, -digits):,.0f}"


def _describe_machine() -> str:
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    day = datetime.datetime.now(tz=datetime.timezone.utc).date()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {day}"


def write_picture(results: Sequence[Result], folder: Path) -> Image.Image:
    """Return a sheet with a row of lines for each peer that was measured, in their order."""
    rows = [np.load(folder / f"{result.peer.name}.npy") for result in results if not result.reason]
    return Image.fromarray(
        np.vstack([np.hstack([np.pad(page, 1, constant_values=128) for page in pages]) for pages in rows])
    )


_PAGE = """# Beside the peers

Written by `python benchmarks/peers/run.py --write`, which builds an environment for each package and lets all of them
do the same: lines of 2 to 7 digits, 28 px high on pages of 128 px, each in the nearest look that it can give. Run it,
and doubt it: every peer is a short script in `benchmarks/peers/`.

Images a second of one core, by CPU time, median of {rounds} rounds in turn, on a shared machine: trust the ratios more
than the rates. "Times" says how many times as fast the style of number_generator is that looks most like it.
{machine}.

| | images/s | times | against | look |
| --- | --- | --- | --- | --- |
{rows}

![Lines of each, in the order of the table](peers.png)

## What else each gives

| | labels | boxes and masks | the same again | streams and files | what can be varied |
| --- | --- | --- | --- | --- | --- |
{gives}

## How each is set

{settings}

They differ in what they are for. TRDG and SynthTIGER render fonts, in any script, and are made for printed text.
Albumentations and torchvision change images that something else has drawn: what they are given here is the plain loop's
lines. None of the four is made for handwritten numbers, and number_generator writes nothing else. None draws the paper,
the ruled lines, the neighbours' ink, the linked digits and the letterforms of `document`, so that the look is nearest,
not equal.

## Versions

{versions}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "peers", help="where environments are kept")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of the table's rows")
    parser.add_argument("--write", action="store_true", help="write docs/peers.md and docs/peers.png")
    options = parser.parse_args()
    every = [*OURS, *PEERS]
    names = options.only or [peer.name for peer in every]
    unknown = set(names) - {peer.name for peer in every}
    if unknown:
        parser.error(f"no peer is called {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in every)}")
    folder = options.folder.resolve()
    results = measure([peer for peer in every if peer.name in names], folder)
    page = write_page(results)
    print(page)
    if options.write:
        (_ROOT / "docs" / "peers.md").write_text(page, encoding="utf-8")
        write_picture(results, folder).save(_ROOT / "docs" / "peers.png")


if __name__ == "__main__":
    main()
