"""Train a small reader of handwritten numbers on images that are made while it trains, and see what it reads.

    pip install ".[examples]"                                     # PyTorch
    python examples/train_reader.py                               # ten minutes on two cores
    python examples/train_reader.py --test my-images --errors errors.png

The reader is a small CRNN (Shi, Bai and Yao, "An end-to-end trainable neural network for image-based sequence
recognition", TPAMI 2017) under CTC (Graves et al., "Connectionist temporal classification", ICML 2006): it is told what
a line says, and finds out by itself where each digit stands. It is trained on images composed of nine
tenths of the digits, and tested on images composed of the others, and on labelled images of your own: a folder with
`gt.txt`, or any other dataset that the package reads. docs/training.md is the tutorial.

The seed fixes every training image and the weights that training begins with. The weights that it ends with differ
from machine to machine: PyTorch adds in another order there, and a faster machine takes more steps.
"""

import argparse
import math
import os
import platform
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from number_generator import (
    CountryNumbers,
    DigitImageDataset,
    GenericDataset,
    Handwriting,
    NumberGeneratorError,
    fit_lines,
    generate_chunk,
    split_digits,
    stream,
)
from number_generator.digits.resolve import default_digits, load_digits
from number_generator.job.handwriting import checked_style, with_settings
from number_generator.job.spec import NumberSource
from number_generator.numbers.countries import parse_country_option
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.patterns import parse_pattern_option
from number_generator.numbers.sequences import ALPHABET, WRITTEN
from number_generator.rendering.sheet import contact_sheet
from number_generator.system.checks import check_seed
from number_generator.system.threads import count_cores
from number_generator.training.batches import NumberBatches

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as missing:
    print(f'train_reader.py: error: {missing}: install it with pip install ".[examples]"', file=sys.stderr)
    raise SystemExit(2) from None

Pixels = npt.NDArray[np.uint8]

BLANK = 0
"""The class that stands for no character; that of `ALPHABET[k]` is k + 1."""

COLUMN = 4
"""The reader names a character, or none, for each so many px of an image's width."""

SPLIT = {"train": 0.9, "test": 0.1}

_MAKERS = 2  # threads that make images ahead
_READ_AT_ONCE = 256
_PEAK_RATE = 4e-3
_WARM_UP = 0.08  # of the training
_STEEPEST = 5.0  # longer gradients are cut
_SAY_EVERY = 15.0  # seconds
_RATE_SECONDS = 1.0  # to measure the generator alone
_SHEET_ERRORS = 60
_SHEET_PREVIEW = 12


class InputError(Exception):
    """Something that the user gave cannot be used: one line that says what, where and why."""


# --- Making images


@dataclass(frozen=True)
class Recipe:
    """All that decides what image number i looks like.

    Attributes
    ----------
    numbers : NumberSource
        What is written.
    style : Handwriting
    width : int
        Of the images, in px.
    digits : DigitImageDataset
        What they are composed of.
    seed : int
    """

    numbers: NumberSource
    style: Handwriting
    width: int
    digits: DigitImageDataset
    seed: int

    def make(self, start: int, stop: int) -> tuple[Pixels, list[str]]:
        """Make images number `start` to `stop` - 1: an array of shape (n, H, width), and what they say."""
        chunk = generate_chunk(self.numbers, count=stop - start, start=start, workers=1, **self._options)
        return chunk.images, chunk.labels.tolist()

    def batches(self, batch: int) -> NumberBatches:
        """Stream batches without end, made in threads while earlier ones are trained on. No image comes twice."""
        return stream(self.numbers, batch_size=batch, workers=_MAKERS, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        gaps = (5, 10) if self.style.is_clean else None  # other styles have gaps of their own
        return {
            "spacing_range": gaps, "width": self.width, "style": self.style, "seed": self.seed, "digits": self.digits
        }  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """Images to be read, shape (n, H, width), uint8, and what they say."""

    name: str
    images: Pixels
    labels: list[str]


def held_out(recipe: Recipe, digits: DigitImageDataset, name: str, images: int) -> list[Lines]:
    """Make images of digits that were kept out of training: as many in its style, called `name`, and in two others."""
    styles = {name: recipe.style, "clean": Handwriting.named("clean"), "natural": Handwriting.named("natural")}
    # Another seed, so that other numbers are drawn; this one stays below 2**64.
    test = replace(recipe, digits=digits, seed=recipe.seed ^ 1)
    return [
        Lines(f"held-out digits, {name}", *replace(test, style=style).make(0, images)) for name, style in styles.items()
    ]


def images_per_second(recipe: Recipe, batch: int) -> float:
    """Measure how fast images are made while nothing else runs, a batch at a time, in one thread."""
    made, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < _RATE_SECONDS:
        recipe.make(made, made + batch)
        made += batch
    return made / elapsed


# --- Images of your own


def own_lines(source: Path, height: int, width: int) -> Lines:
    """Read labelled images of your own, fitted to the reader's page as lines are for training: see `fit_line`.

    Parameters
    ----------
    source : Path
        A folder with `gt.txt`, or any other dataset that `GenericDataset` reads.
    height, width : int
        Of the page, in px.

    Raises
    ------
    InputError
        If there is no image, or a label holds what no reader here can read.
    NumberGeneratorError
        If the dataset cannot be read.
    """
    dataset = GenericDataset(source)
    if not len(dataset):
        raise InputError(f"{source} holds no images: give labelled images of lines")
    images, labels = zip(*dataset, strict=True)
    for number, label in enumerate(labels):
        for character in label:
            if character not in ALPHABET:
                raise InputError(
                    f"{source}, image {number}: the label {label!r} holds {character!r}: {WRITTEN} can be read; leave "
                    "the image out"
                )
    return Lines(str(source), fit_lines(images, height, width), list(labels))


# --- The reader


class Reader(nn.Module):
    """A network that names what it sees in each `COLUMN` px of an image's width.

    Convolutions turn a page into a line of columns, and a recurrent layer reads along it in both directions.

    Parameters
    ----------
    height : int
        Of the images, in px. Their width is free.
    channels : int
        What the sizes of the layers go by: twice as many make four times as many weights.
    """

    def __init__(self, height: int, channels: int) -> None:
        super().__init__()
        self.height = height
        self.channels = channels
        wide = 2 * channels
        rows = -(-height // 8)  # what three halvings leave
        self.look = nn.Sequential(
            _layer(1, channels // 2, (5, 5), stride=2),
            _layer(channels // 2, channels, (3, 3), stride=2),
            _layer(channels, channels, (3, 3)),
            nn.MaxPool2d((2, 1), ceil_mode=True),  # width is kept: it parts neighbours
            _layer(channels, wide, (3, 3)),
            _layer(wide, wide, (rows, 1), padding=(0, 0)),  # from a page to a line
        )
        # Convolutions along the line in its place need four times as many images to learn amounts.
        self.follow = nn.GRU(wide, 3 * channels // 2, batch_first=True, bidirectional=True)
        self.name = nn.Linear(3 * channels // 2 * 2, 1 + len(ALPHABET))
        self.look.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the fastest on a CPU

    def forward(self, images: Tensor) -> Tensor:
        """Score images.

        Parameters
        ----------
        images : Tensor, shape (n, height, W), uint8
            Dark on light.

        Returns
        -------
        Tensor, shape (ceil(W / COLUMN), n, 1 + len(ALPHABET)), float32
            The logarithm of each class's chance, for each column.
        """
        # From 1, the darkest pixel, to 0, the lightest: how a page was exposed does not matter.
        light, dark = images.amax((1, 2), keepdim=True).float(), images.amin((1, 2), keepdim=True).float()
        ink = (light - images) / (light - dark).clamp(min=1)
        columns = self.look(ink.unsqueeze(1)).squeeze(2).transpose(1, 2)
        scores: Tensor = self.name(self.follow(columns)[0])
        return scores.transpose(0, 1).log_softmax(2)

    def save(self, path: Path) -> None:
        """Write the reader to a file."""
        torch.save({"height": self.height, "channels": self.channels, "weights": self.state_dict()}, path)

    @classmethod
    def load(cls, path: Path) -> "Reader":
        """Read a file that `save` wrote; nothing in it is run."""
        try:
            saved = torch.load(path, weights_only=True)
            reader = cls(saved["height"], saved["channels"])
            reader.load_state_dict(saved["weights"])
        except Exception as exc:  # a file that is something else may raise anything
            raise InputError(f"--load is {path}, which is no reader that --save wrote: {_reason(exc)}") from exc
        return reader


def _layer(
    inputs: int, outputs: int, size: tuple[int, int], *, stride: int = 1, padding: tuple[int, int] | None = None
) -> nn.Sequential:
    """Return a convolution, by default with all of its input's positions, and what follows it."""
    around = (size[0] // 2, size[1] // 2) if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, around, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def encoded(labels: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return the classes of all labels' characters in one row, and the labels' lengths, as CTC takes them."""
    classes = [1 + ALPHABET.index(character) for label in labels for character in label]
    return torch.tensor(classes, dtype=torch.long), torch.tensor([len(label) for label in labels], dtype=torch.long)


def decoded(classes: Sequence[int]) -> str:
    """Return what a row of classes says: neighbours that are equal count once, then blanks fall out."""
    characters, before = [], BLANK
    for this in classes:
        if this not in (BLANK, before):
            characters.append(ALPHABET[this - 1])
        before = this
    return "".join(characters)


def read(reader: Reader, images: Pixels) -> list[str]:
    """Read images, shape (n, height, W), uint8, by the best class of each column."""
    reader.eval()
    readings = []
    with torch.inference_mode():
        for start in range(0, len(images), _READ_AT_ONCE):
            best = reader(torch.from_numpy(images[start : start + _READ_AT_ONCE])).argmax(2)
            readings += [decoded(classes) for classes in best.T.tolist()]
    return readings


# --- Training


@dataclass(frozen=True)
class Training:
    """What training took: steps, images, and seconds in all and waiting for images, which are made beside it."""

    steps: int
    images: int
    elapsed_s: float
    waiting_s: float


def train(reader: Reader, recipe: Recipe, batch: int, *, minutes: float, steps: int | None) -> Training:
    """Train for so many steps of `batch` images, or for some minutes if `steps` is None."""
    optimizer = torch.optim.AdamW(reader.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    reader.train()
    losses: list[float] = []
    waiting = 0.0
    said = begun = time.perf_counter()
    with recipe.batches(batch) as batches:
        for step in count():
            now = time.perf_counter()
            progress = (now - begun) / (60 * minutes) if steps is None else step / max(1, steps)
            if progress >= 1 or step == steps:
                break
            if now - said >= _SAY_EVERY:
                _say(f"{now - begun:5.0f} s  {step * batch:9,} images  loss {np.mean(losses):.3f}")
                losses, said = [], now
            asked = time.perf_counter()
            images, labels = next(batches)
            waiting += time.perf_counter() - asked
            for group in optimizer.param_groups:
                group["lr"] = rate_at(progress)
            scores = reader(torch.from_numpy(images))
            classes, lengths = encoded(labels.tolist())
            loss = functional.ctc_loss(scores, classes, torch.full_like(lengths, len(scores)), lengths, BLANK)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(reader.parameters(), _STEEPEST)
            optimizer.step()
            losses.append(loss.item())
        elapsed = time.perf_counter() - begun
    return Training(step, step * batch, elapsed, waiting)


def rate_at(progress: float) -> float:
    """Return the learning rate at a time from 0 to 1: up in a straight line, then down along half a cosine."""
    if progress < _WARM_UP:
        return _PEAK_RATE * progress / _WARM_UP
    return _PEAK_RATE * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP))) / 2


# --- Results


@dataclass(frozen=True)
class Result:
    """Lines, and what the reader took them for."""

    lines: Lines
    readings: list[str]

    @property
    def wrong(self) -> list[tuple[int, str, str]]:
        """Number, label and reading of each line that was not read exactly."""
        pairs = zip(self.lines.labels, self.readings, strict=True)
        return [(number, label, reading) for number, (label, reading) in enumerate(pairs) if label != reading]

    @property
    def exact(self) -> float:
        """The share of the lines that were read exactly."""
        return 1 - len(self.wrong) / len(self.readings)

    @property
    def confusions(self) -> Counter[tuple[str, str]]:
        """How often which character was taken for which; "" is none, where one was missed or is not there."""
        pairs = (pair for _, label, reading in self.wrong for pair in aligned(label, reading))
        return Counter((there, seen) for there, seen in pairs if there != seen)

    @property
    def character_errors(self) -> float:
        """The edit distances of all readings from their labels, as a share of the labels' characters."""
        return self.confusions.total() / sum(map(len, self.lines.labels))

    def by_length(self) -> list[tuple[int, int, float]]:
        """Return each length of labels, the number of lines that have it, and the share of them read exactly."""
        lines = Counter(map(len, self.lines.labels))
        wrong = Counter(len(label) for _, label, _ in self.wrong)
        return [(length, lines[length], 1 - wrong[length] / lines[length]) for length in sorted(lines)]


def aligned(label: str, reading: str) -> list[tuple[str, str]]:
    """Lay a label and a reading side by side, with as few differences as can be: their edit distance.

    Returns
    -------
    list of (str, str)
        A character of each; "" where only the other has one.
    """
    # distance[i][j] is that of label[:i] from reading[:j].
    distance = [[i + j for j in range(len(reading) + 1)] for i in range(len(label) + 1)]
    for i, there in enumerate(label, 1):
        for j, seen in enumerate(reading, 1):
            beside = min(distance[i - 1][j], distance[i][j - 1]) + 1
            distance[i][j] = min(beside, distance[i - 1][j - 1] + (there != seen))
    pairs = []
    i, j = len(label), len(reading)
    while i or j:
        if i and j and distance[i][j] == distance[i - 1][j - 1] + (label[i - 1] != reading[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((label[i], reading[j]))
        elif i and distance[i][j] == distance[i - 1][j] + 1:
            i -= 1
            pairs.append((label[i], ""))
        else:
            j -= 1
            pairs.append(("", reading[j]))
    return pairs[::-1]


def error_sheet(result: Result) -> Pixels:
    """Draw the first lines that were misread, as the reader saw them, each with its label and the reading."""
    shown = result.wrong[:_SHEET_ERRORS]
    texts = [f"{label} read {reading or 'nothing'}" for _, label, reading in shown]
    return contact_sheet(result.lines.images[[number for number, _, _ in shown]], texts)


def training_table(training: Training, alone: float) -> str:
    """Write what training took as a table in Markdown; `alone` is how many images a second the generator can make."""
    speed = training.images / training.elapsed_s
    total = f"{training.elapsed_s:.0f} s, {training.steps:,} steps"
    rows = {
        "images, none of them twice": f"{training.images:,}: {speed:,.0f} a second",
        "waiting for them": f"{training.waiting_s:.1f} s, {training.waiting_s / training.elapsed_s:.1%}",
        "the generator alone, in one thread": f"{alone:,.0f} a second, {alone / speed:.0f} times as many",
    }
    return _table(["training", total], [list(row) for row in rows.items()])


def results_table(results: Sequence[Result]) -> str:
    """Write how well each set of lines was read, as a table in Markdown."""
    rows = [
        [result.lines.name, f"{len(result.readings):,}", f"{result.exact:.1%}", f"{result.character_errors:.2%}"]
        for result in results
    ]
    return _table(["read", "images", "exactly right", "wrong characters"], rows)


def errors_text(result: Result) -> str:
    """Write how well lines of each length were read, and the most frequent errors, in Markdown."""
    rows = [[str(length), f"{lines:,}", f"{exact:.1%}"] for length, lines, exact in result.by_length()]
    errors = ", ".join(f"{_error(*pair)} {times} times" for pair, times in result.confusions.most_common(10))
    table = _table(["characters", "images", "exactly right"], rows)
    return f"{result.lines.name}, by length:\n\n{table}\n\nThe most frequent errors: {errors or 'none'}."


def _error(there: str, seen: str) -> str:
    if not seen:
        return f"`{there}` missed"
    return f"`{there}` read as `{seen}`" if there else f"`{seen}` put in"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# --- The command


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and give the exit status: 0, 1 or 2 for what cannot be used, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        _run(options, shlex.join(["python", "examples/train_reader.py", *arguments]))
    except (InputError, NumberGeneratorError) as exc:
        _say(f"train_reader.py: error: {exc}")
        return 2
    except (OSError, MemoryError) as exc:
        _say(f"train_reader.py: error: {_reason(exc)}: free some space, or give another file")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train_reader.py",
        description="Train a small reader of handwritten numbers on images that are made while it trains.",
        allow_abbrev=False,
    )
    group = parser.add_argument_group("what it learns to read")
    numbers = group.add_mutually_exclusive_group()
    numbers.add_argument(
        "--pattern",
        default=r"\d{2,9}",
        metavar="NAME|REGEX",
        help="numbers that a regular expression matches, or those of a name, such as date or amount; every length has "
        "the same chance (default: 2 to 9 digits)",
    )
    numbers.add_argument("--country", metavar="CODES", help="phone numbers of some countries, as in JP or JP,US,DE")
    numbers.add_argument("--sequences", metavar="FILE", help="your own numbers, one a line, drawn with equal chance")
    group.add_argument(
        "--style",
        default="document",
        metavar="NAME|FILE.toml",
        help="clean, natural, document, or a file of parameters (default: %(default)s)",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="change a parameter of the style, as in slant=-0.2:0.4; may be given again",
    )
    group.add_argument("--width", type=_whole(8), default=128, metavar="PX", help="of an image (default: %(default)s)")
    group.add_argument(
        "--digits",
        metavar="SOURCE",
        help="digits to compose from: a name such as mnist, a file, or a folder (default: the packaged ones)",
    )

    group = parser.add_argument_group("training")
    group.add_argument(
        "--minutes",
        type=_minutes,
        default=9.0,
        metavar="N",
        help="how long to train (default: 9); making ready before and reading after take less than one more",
    )
    group.add_argument("--steps", type=_whole(0), metavar="N", help="train on so many batches, however long it takes")
    group.add_argument("--batch", type=_whole(1), default=32, metavar="N", help="images (default: %(default)s)")
    group.add_argument(
        "--channels", type=_whole(2), default=64, metavar="N", help="network size (default: %(default)s)"
    )
    group.add_argument("--seed", type=_whole(0), default=1, metavar="N", help="default: %(default)s")
    group.add_argument("--threads", type=_whole(1), metavar="N", help="of PyTorch (default: one a core)")
    group.add_argument(
        "--load",
        type=_path,
        metavar="MODEL.pt",
        help="go on with a saved reader, of its own --channels; give another --seed, or it sees the same images again",
    )

    group = parser.add_argument_group("results")
    group.add_argument(
        "--test",
        type=_path,
        metavar="DATASET",
        help="labelled images of your own: a folder with gt.txt, or any other dataset",
    )
    group.add_argument(
        "--held-out",
        type=_whole(1),
        default=4000,
        metavar="N",
        help="images of digits kept out of training, in each of three styles (default: %(default)s)",
    )
    group.add_argument(
        "--preview", type=_path, metavar="SHEET.png", help="draw your images above those for training, and stop there"
    )
    group.add_argument("--save", type=_path, metavar="MODEL.pt", help="write the reader")
    group.add_argument("--errors", type=_path, metavar="SHEET.png", help="draw lines that were misread, yours if given")
    group.add_argument("--report", type=_path, metavar="FILE.md", help="write the results, which are printed too")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    """Return what makes of an argument a whole number that is not too small."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text}: give {least} or more")
        return int(text)

    return number


def _path(text: str) -> Path:
    """Parse a path; a shell expands no `~` after an equals sign."""
    return Path(text).expanduser()


def _minutes(text: str) -> float:
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: give more than 0")
    return float(text)


def _run(options: argparse.Namespace, command: str) -> None:
    """Make ready, train, read and report."""
    begun = time.perf_counter()
    digits = default_digits() if options.digits is None else load_digits(options.digits)
    parts = split_digits(digits, SPLIT)
    style = with_settings(checked_style(options.style), options.settings)
    recipe = Recipe(_numbers(options), style, options.width, parts["train"], check_seed(options.seed, "--seed"))
    _check_width(recipe)
    height = digits.get_data()[0].shape[1]
    own = []
    if options.test is not None:
        own.append(own_lines(options.test, height, options.width))
        _say(f"{len(own[0].labels)} images in {options.test}")
    for path in (options.preview, options.save, options.errors, options.report):
        _check_writable(path)
    if options.preview is not None:
        _draw_preview(recipe, own, options.preview)
        return

    torch.set_num_threads(options.threads or count_cores())
    torch.manual_seed(recipe.seed)
    reader = Reader(height, options.channels) if options.load is None else Reader.load(options.load)
    if reader.height != height:
        raise InputError(
            f"--load is {options.load}, which reads images {reader.height} px high: these have {height} px"
        )
    recipe.make(0, options.batch)
    _say(f"{time.perf_counter() - begun:.0f} s until the first images; the first use of a style compiles it")
    alone = images_per_second(recipe, options.batch)
    training = train(reader, recipe, options.batch, minutes=options.minutes, steps=options.steps)

    name = " ".join([str(options.style), *options.settings])
    results = [
        Result(lines, read(reader, lines.images))
        for lines in [*own, *held_out(recipe, parts["test"], name, options.held_out)]
    ]
    facts = (
        f"{sum(weights.numel() for weights in reader.parameters()):,} weights; {len(parts['train']):,} digits to train "
        f"with, {len(parts['test']):,} to test with; seed {recipe.seed}. From start to end "
        f"{time.perf_counter() - begun:.0f} s on {count_cores()} cores ({platform.machine()}); PyTorch "
        f"{torch.__version__} in {torch.get_num_threads()} threads, Python {platform.python_version()}."
    )
    tables = [training_table(training, alone)] if training.steps else []
    closely = [errors_text(result) for result in results[: len(own) + 1]]
    text = "\n\n".join([f"    {command}", facts, *tables, results_table(results), *closely]) + "\n"
    print(text, end="", flush=True)  # before anything is written, which may fail
    if options.save is not None:
        try:
            reader.save(options.save)
        except (OSError, RuntimeError) as exc:  # PyTorch's own for a full disk
            raise OSError(f"{options.save} cannot be written: {_reason(exc)}") from exc
    if options.report is not None:
        options.report.write_text(text, encoding="utf-8")
    if options.errors is not None:
        if results[0].wrong:
            Image.fromarray(error_sheet(results[0])).save(options.errors, "PNG")
        else:
            _say(f"no errors in {results[0].lines.name}, and so no {options.errors}")


def _numbers(options: argparse.Namespace) -> NumberSource:
    if options.sequences is not None:
        return ListedNumbers.from_file(options.sequences, order="drawn")
    if options.country is not None:
        return CountryNumbers(parse_country_option(options.country))
    return parse_pattern_option(options.pattern, "equal")


def _check_width(recipe: Recipe) -> None:
    """See that there are columns enough: one for each character, and one for the blank on each side of it."""
    if not recipe.numbers.longest:
        raise InputError("all numbers are empty, and there is nothing to read: give another --pattern or file")
    needed = 2 * recipe.numbers.longest + 1
    if -(-recipe.width // COLUMN) < needed:
        raise InputError(
            f"--width is {recipe.width}, and a number has up to {recipe.numbers.longest} characters: give --width "
            f"{COLUMN * needed} or more"
        )


def _check_writable(path: Path | None) -> None:
    """See that a file can be written before training for it."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_refused = path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {_reason(exc)}") from exc
    if is_refused:
        raise InputError(f"{path} cannot be written: it is a folder, or permission is denied")


def _draw_preview(recipe: Recipe, own: list[Lines], path: Path) -> None:
    """Draw images of one's own, and below them images for training."""
    made = Lines("made", *recipe.make(0, _SHEET_PREVIEW))
    shown = [Lines(lines.name, lines.images[:_SHEET_PREVIEW], lines.labels[:_SHEET_PREVIEW]) for lines in [*own, made]]
    texts = [f"{lines.name}: {label}" for lines in shown for label in lines.labels]
    sheet = contact_sheet(np.concatenate([lines.images for lines in shown]), texts, columns=4)
    Image.fromarray(sheet).save(path, "PNG")


def _reason(exc: Exception) -> str:
    """Return an exception's message in one line."""
    text = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return " ".join(text.split()) or type(exc).__name__


def _say(text: str) -> None:
    """Tell of progress; standard output is the result's."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
