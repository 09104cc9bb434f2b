"""The metadata of a dataset file: how it was made, and the command that makes it again."""

import json
import os
import shlex
import time
from collections.abc import Sequence
from typing import Any

from number_generator._version import __version__
from number_generator.job.defaults import PROGRAM
from number_generator.job.handwriting import STYLE_VERSION
from number_generator.job.spec import RENDER_VERSION, Job


def make_metadata(
    job: Job,
    digits_sha256: str,
    digits_path: str,
    file_format: str,
    compression: str,
    *,
    labels: Sequence[str] = (),
    total: int | None = None,
    words: Sequence[str] = (),
    split: tuple[str, str] | None = None,
    shards: int | None = None,
    writers: tuple[str, str] | None = None,
    digits_stored_with: str = "",
) -> dict[str, Any]:
    """Describe a job of `generate-phone-numbers`; the three entries of version 0.0.1 come first.

    Parameters
    ----------
    digits_sha256 : str
        Digest of the digit dataset's images and labels, before a split divides it.
    digits_path : str
        Where the digits came from; empty for the packaged ones.
    file_format, compression, labels, shards
        As for the options of these names.
    total : int, optional
        `--num-images`, if a split divides them; None means the job's.
    words : sequence of str
        The command's options for the numbers.
    split : (str, str), optional
        The part that the job makes, and its split.
    writers : (str, str), optional
        Whose digits make a line, `mixed`, `cluster` or `dataset`, and the SHA-256 of who wrote which digit; None for
        the style `clean`.
    digits_stored_with : str
        How the digits were stored, if not as bright ink of values up to 255.
    """
    spec, spacing = job.spec, job.spec.spacing_range
    count, height, _ = job.shape
    name, settings = spec.style.settings()
    options: dict[str, Any] = {"num-images": count if total is None else total}
    if spacing is not None:
        options |= {"min-spacing": spacing[0], "max-spacing": spacing[1]}
    options["image-width"] = spec.width
    if spec.height is not None:
        options["image-height"] = spec.height
    options |= {
        "format": file_format,
        "compression": compression,
        "fit": spec.fit,
        "seed": job.seed,
        "digits": "",  # the packaged ones, whatever the environment names when the command runs again
    }
    if digits_path:
        options["digits"] = _to_text(digits_path)
    recorded = {
        "seed": job.seed,
        "fit": spec.fit,
        "style": name if not settings else "custom",
        "render_version": RENDER_VERSION,
        "package_version": __version__,
        "digits_sha256": digits_sha256,
    }
    if job.label != "written":
        options["label"] = recorded["label"] = job.label
    if labels:
        options["labels"] = ",".join(labels)
    if job.truth:
        options["truth"] = ",".join(job.truth)
    if split is not None:
        options["split"] = split[1]
        recorded |= {"split": split[0], "splits": split[1]}
    if shards is not None:
        options["shards"] = recorded["shards"] = shards
    if writers is not None:
        recorded |= {"style_version": STYLE_VERSION, "writer": writers[0], "writers_sha256": writers[1]}
    words = [*(f"--{option}={value}" for option, value in options.items()), *words]
    words += [] if spec.style.is_clean else [f"--style={name}", *(f"--set={setting}" for setting in settings)]
    words += [] if job.real is None else job.real.words()
    if spec.color:
        words.append("--color")
        recorded["color"] = True
    if (paper := spec.style.paper_images) is not None:
        words.append(f"--paper={_to_text(paper.path)}")
        recorded["paper_sha256"] = paper.sha256
    command = shlex.join([PROGRAM, *words])
    whole = {
        **job.numbers.describe(),
        "num_images": count,
        "start": job.span.start,
        "height": height,
        "image_width": spec.width,
        "spacing_range": spacing,
        **recorded,
        "truth": job.truth,
        "handwriting": spec.style.describe(color=spec.color),
        **({} if job.real is None else job.real.describe()),
        "command": command,
    }
    return {
        "creation_timestamp": time.time(),
        "spacing_range": spacing,
        "image_width": spec.width,
        **recorded,
        **({} if job.real is None else {"real_sha256": job.real.lines.sha256, "real_count": len(job.real.lines)}),
        # Not part of the job: the same digits may have been stored in another way.
        **({"digits_stored_with": digits_stored_with} if digits_stored_with else {}),
        "job": json.dumps(whole),
        "command": command,
    }


def _to_text(path: str) -> str:
    """Return a path as it is recorded: a name that is not valid text has its bytes escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
