"""What a dataset file says of itself: how it was made, and the command that makes it again."""

import json
import os
import shlex
import time
from pathlib import Path
from typing import Any

from number_generator._version import __version__
from number_generator.handwriting import STYLE_VERSION
from number_generator.spec import RENDER_VERSION, Job

__all__ = ["phone_numbers_metadata"]


def phone_numbers_metadata(
    job: Job,
    digits_sha256: str,
    digits_path: str,
    file_format: str,
    compression: str,
    writers: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Describe a job of phone numbers.

    Parameters
    ----------
    job : Job
        Of `PhoneNumbers`, from image number 0 on.
    digits_sha256 : str
        Of the digit dataset's images and labels.
    digits_path : str
        The file that it came from; empty for the packaged digits.
    file_format, compression : str
        As `--format` and `--compression` take them.
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
    options: dict[str, Any] = {"num-images": count}
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
        # Absolute, as the command may be run again in any folder. A name that is no text keeps its odd bytes escaped.
        options["digits"] = os.fsencode(Path(digits_path).absolute()).decode("utf-8", "backslashreplace")
    name, settings = spec.style.settings()
    words = [f"--{option}={value}" for option, value in options.items()]
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
    if writers is not None:
        kind, sha256 = writers
        recorded |= {"style_version": STYLE_VERSION, "writer": kind, "writers_sha256": sha256}
    whole = {
        "numbers": "phone",
        "num_images": count,
        "start": job.span.start,
        "height": height,
        "image_width": width,
        "spacing_range": spacing,
        **recorded,
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
