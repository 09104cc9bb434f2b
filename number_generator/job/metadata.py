"""What a dataset file says of itself: how it was made, and the command that makes it again."""

import json
import os
import shlex
import time
from collections.abc import Sequence
from typing import Any

from number_generator._version import __version__
from number_generator.job.handwriting import STYLE_VERSION
from number_generator.job.spec import RENDER_VERSION, Job

__all__ = ["make_metadata"]


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
) -> dict[str, Any]:
    """Describe a job of `generate-phone-numbers`.

    Parameters
    ----------
    job : Job
    digits_sha256 : str
        Of the digit dataset's images and labels, before a split divides it.
    digits_path : str
        Where they came from, as `recorded_digits` gives it; empty for the packaged digits.
    file_format, compression : str
        As `--format` and `--compression` take them.
    labels : sequence of str
        As `--labels` takes them.
    total : int, optional
        `--num-images`, where a split divides them; None means the job's.
    words : sequence of str
        The options that tell the numbers, as the command takes them.
    split : (str, str), optional
        Which part of which split the job makes.
    shards : int, optional
        How many files the job is divided into, where it is.
    writers : (str, str), optional
        Whose digits stand together in a line, `mixed`, `cluster` or `dataset`, and the SHA-256 of who wrote which;
        None for the style `clean`.

    Returns
    -------
    dict
        The three entries of version 0.0.1 first.
    """
    spec, spacing = job.spec, job.spec.spacing_range
    count, height, width = job.shape
    options: dict[str, Any] = {"num-images": count if total is None else total}
    if spacing is not None:
        options |= {"min-spacing": spacing[0], "max-spacing": spacing[1]}
    options |= {
        "image-width": width,
        "format": file_format,
        "compression": compression,
        "fit": spec.fit,
        "seed": job.seed,
        "digits": "",  # says the packaged ones, whatever the environment says where the command is run again
    }
    if digits_path:
        # A name that is no text keeps its odd bytes escaped.
        options["digits"] = os.fsencode(digits_path).decode("utf-8", "backslashreplace")
    name, settings = spec.style.settings()
    if job.label != "written":
        options["label"] = job.label
    if labels:
        options["labels"] = ",".join(labels)
    if job.truth:
        options["truth"] = ",".join(job.truth)
    if split is not None:
        options["split"] = split[1]
    if shards is not None:
        options["shards"] = shards
    words = [*(f"--{option}={value}" for option, value in options.items()), *words]
    words += [] if spec.style.is_clean else [f"--style={name}", *(f"--set={setting}" for setting in settings)]
    command = shlex.join(["generate-phone-numbers", *words])
    recorded = {
        "seed": job.seed,
        "fit": spec.fit,
        "style": name if not settings else "custom",
        "render_version": RENDER_VERSION,
        "package_version": __version__,
        "digits_sha256": digits_sha256,
    }
    if job.label != "written":
        recorded["label"] = job.label
    if split is not None:
        recorded |= {"split": split[0], "splits": split[1]}
    if shards is not None:
        recorded["shards"] = shards
    if writers is not None:
        kind, sha256 = writers
        recorded |= {"style_version": STYLE_VERSION, "writer": kind, "writers_sha256": sha256}
    whole = {
        **job.numbers.describe(),
        "num_images": count,
        "start": job.span.start,
        "height": height,
        "image_width": width,
        "spacing_range": spacing,
        **recorded,
        "truth": job.truth,
        "handwriting": spec.style.to_dict(),
        "command": command,
    }
    return {
        "creation_timestamp": time.time(),
        "spacing_range": spacing,
        "image_width": width,
        **recorded,
        "job": json.dumps(whole),
        "command": command,
    }
