"""All kernels compiled before the first run."""

import argparse

from number_generator._kernels import writing
from number_generator.commands.terminal import report, tell
from number_generator.errors import OutputError
from number_generator.job.handwriting import STYLES
from number_generator.job.spec import TRUTHS, NumberSource
from number_generator.numbers.countries import CountryNumbers
from number_generator.numbers.patterns import Pattern
from number_generator.numbers.phone import PhoneNumbers
from number_generator.rendering.bound_job import make_job
from number_generator.rendering.compilation import compile_kernels, compile_measures
from number_generator.system.checks import format_bytes
from number_generator.system.signals import Interruption

_FEW = 20  # images, so that every kind of separator occurs


def warm_kernels(options: argparse.Namespace, _: Interruption) -> None:
    """Compile what the styles of the options need, and draw a few images of each, which compiles the rest."""
    folder = writing.write_lines.store.find_writable()
    if folder is None:
        raise OutputError(
            "no folder for compiled kernels can be written, and so each start compiles them: name one with the "
            "environment variable NUMBA_CACHE_DIR"
        )
    sources: list[NumberSource] = [
        PhoneNumbers(),
        Pattern(r"[1-9]\d{0,3}[.,/]\d{2}"),
        CountryNumbers("JP", dashes=True),
    ]
    styles = options.style or list(STYLES)
    for name in styles:
        style = STYLES[name]
        compile_kernels(style, tell, in_processes=True)
        for numbers in sources:
            gaps = (0, 9) if style.is_clean else None
            make_job(numbers, gaps, 64, count=_FEW, style=style, seed=0, truth=TRUTHS).make_chunk()
    compile_measures(tell)
    files = [file for file in folder.iterdir() if file.suffix in (".nbi", ".nbc", ".ngk", ".npz")]
    size = format_bytes(sum(file.stat().st_size for file in files))
    report(f'Kernels of {", ".join(styles)} are compiled: {len(files)} files, {size}, in "{folder}"')
