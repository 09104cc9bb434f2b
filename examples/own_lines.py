"""What your own labelled lines are worth: train a reader without them and with them, and read those held out.

    pip install ".[examples]"                            # PyTorch
    python examples/own_lines.py scans                   # a folder with gt.txt, or any labelled dataset
    python examples/own_lines.py scans --hold-out 0.3 --images 200000 --errors errors.png

Some of the lines are held out: all of a writer, where the dataset tells writers, and all copies of an image. Two
readers are trained on as many images, one on drawn ones alone, the other on drawn ones among which an eighth are the
lines that are left, varied anew each time. Both read the lines held out. docs/training.md says what to make of it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from train_reader import BLANK, Lines, Reader, Result, encoded, error_sheet, rate_at, read

from number_generator import GenericDataset, NumberGeneratorError, fit_lines, stream
from number_generator.numbers.patterns import parse_pattern_option
from number_generator.scans.real_lines import hold_out, load_lines

_HEIGHT = 28
_PEAK = 5.0  # longer gradients are cut


def split_lines(source: Path, width: int, share: float) -> tuple[GenericDataset, Lines]:
    """Return the lines to train on, and those held out, fitted to the page of the reader."""
    kept, held = hold_out(load_lines(source, _HEIGHT, width), share)
    dataset = GenericDataset(source)
    rest = [dataset[number] for number in kept]
    images, labels = zip(*(dataset[number] for number in held), strict=True)
    left = GenericDataset([image for image, _ in rest], [label for _, label in rest])
    return left, Lines("held-out lines", fit_lines(images, _HEIGHT, width), list(labels))


def train(reader: Reader, images: int, batch: int, **options: Any) -> None:
    """Train a reader on images of a stream."""
    optimizer = torch.optim.AdamW(reader.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    reader.train()
    with stream(batch_size=batch, count=images, drop_last=True, **options) as batches:
        for step, (pages, labels, *_) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step / len(batches))
            scores = reader(torch.from_numpy(pages))
            classes, lengths = encoded(labels.tolist())
            loss = functional.ctc_loss(
                scores, classes, torch.full_like(lengths, len(scores)), lengths, BLANK, zero_infinity=True
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(reader.parameters(), _PEAK)
            optimizer.step()


def main(arguments: Sequence[str]) -> int:
    """Compare both readers, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path, help="a folder with gt.txt, or any labelled dataset")
    parser.add_argument("--hold-out", type=float, default=0.3, metavar="SHARE", help="(default: %(default)s)")
    parser.add_argument(
        "--share", type=float, default=0.125, help="of the images that are lines (default: %(default)s)"
    )
    parser.add_argument("--images", type=int, default=100_000, help="to train each reader on (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64, help="(default: %(default)s)")
    parser.add_argument("--width", type=int, default=128, metavar="PX", help="(default: %(default)s)")
    parser.add_argument("--style", default="document", help="(default: %(default)s)")
    parser.add_argument("--pattern", default="digits:2-7", help="what drawn lines say (default: %(default)s)")
    parser.add_argument("--channels", type=int, default=64, help="of the reader (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--errors", type=Path, metavar="PNG", help="draw what the second reader misreads")
    options = parser.parse_args(arguments)
    try:
        rest, held = split_lines(options.lines, options.width, options.hold_out)
        numbers = parse_pattern_option(options.pattern, None)
        drawn = {"numbers": numbers, "width": options.width, "style": options.style, "seed": options.seed}
        if set("".join(held.labels)) - set("0123456789"):  # signs need not be among the numbers
            held = Lines(held.name, held.images, ["".join(filter(str.isdigit, label)) for label in held.labels])
            drawn["label"] = "digits"
        result = None
        for name, more in (("drawn alone", {}), ("drawn and real", {"real": rest, "real_share": options.share})):
            torch.manual_seed(options.seed)
            reader = Reader(_HEIGHT, options.channels)
            train(reader, options.images, options.batch, **drawn, **more)
            result = Result(held, read(reader, held.images))
            print(f"{name}: {result.exact:.1%} of {len(held.labels)} lines exactly right", flush=True)
    except NumberGeneratorError as exc:
        print(f"own_lines.py: error: {exc}", file=sys.stderr)
        return 1
    if options.errors is not None and result is not None and result.wrong:
        Image.fromarray(np.asarray(error_sheet(result))).save(options.errors, "PNG")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
