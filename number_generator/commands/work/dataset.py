"""A dataset of images of numbers."""

import argparse
import time

from number_generator.commands.config import write_config
from number_generator.commands.generate import make_dataset_parser
from number_generator.commands.option_values import parse_split_option, parse_truth
from number_generator.commands.runs.request import choose_output, parse_request
from number_generator.commands.terminal import report, say
from number_generator.job.defaults import SHEET_IMAGES
from number_generator.job.handwriting import checked_style, parameters, with_settings
from number_generator.job.real_lines import RealLines, real_parameters
from number_generator.numbers.named_patterns import NAMED
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers

_LIST = "list"  # what --pattern takes to name the patterns


def make_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    """Make the dataset that the options describe, or, with `--preview`, a contact sheet of it."""
    begun = time.perf_counter()
    if options.pattern == _LIST:
        _list_patterns()
        return
    if options.list_parameters:
        _list_parameters(options)
        return
    request = parse_request(options)
    if options.write_config is not None:
        write_config(options, make_dataset_parser(), options.write_config)
        report(f'Options written to "{options.write_config}": give it to --config')
        return
    workers = check_workers(options.workers, "--workers")
    if options.preview is None:
        output = choose_output(options, request)
        # Compiled code loads once the options are known to be right.
        from number_generator.commands.work.production import produce_datasets  # noqa: PLC0415 - loads compiled code

        produce_datasets(options, request, output, workers, interruption, begun=begun)
        return
    parse_split_option(options)  # the sheet does not need it, but a mistake in it is reported
    truth = tuple(kind for kind in parse_truth(options) if kind == "boxes")
    from number_generator.commands.work.drawing import draw_sheet  # noqa: PLC0415 - loads compiled code

    count = min(request.count, SHEET_IMAGES)
    numbers, spec, seed = request.numbers.source, request.spec, request.seed
    draw_sheet(options, numbers, spec, seed, count, interruption, label=options.label, truth=truth, real=request.real)


def _list_parameters(options: argparse.Namespace) -> None:
    """Print each parameter of the style: its value, the values that it takes, and what it is."""
    style = with_settings(checked_style(options.style), options.settings)
    rows = [(each.name, str(getattr(style, each.name)), each.limits, each.text) for each in parameters()]
    if options.real is not None:
        lines = RealLines().with_settings(options.real_set)
        rows += [
            (f"real: {name}", str(getattr(lines, name)), each.limits, each.text)
            for name, each in real_parameters().items()
        ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, value, limits, text in rows:
        say(f"{name:{widths[0]}}  {value:{widths[1]}}  {limits:{widths[2]}}  {text}".rstrip())


def _list_patterns() -> None:
    width = max(map(len, NAMED))
    for name, pattern in NAMED.items():
        say(f"{name:{width}}  {pattern.description}")
