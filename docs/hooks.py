"""What mkdocs does besides Markdown, as `mkdocs.yml` says: the reference of commands, and links out of the docs."""

import argparse
import posixpath
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from number_generator.commands import generate as cli
from number_generator.commands.main import make_command_parser

_COMMANDS = "<!-- commands: written by docs/hooks.py -->"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)\s]*)\)")
_CODE = re.compile(r"(`[^`]*`|(?<![\w-])--[a-z][a-z-]*)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Write the commands into their page; leave only the text of a link into the checkout, which the site has not."""
    markdown = markdown.replace(_COMMANDS, "\n".join(command_reference()))
    return _LINK.sub(partial(_inside, page.file), markdown)


def command_reference() -> Iterator[str]:
    """Return the lines of the reference: all commands with their arguments, from the parsers that the commands use."""
    yield from _command(cli.make_dataset_parser(), 2)
    yield from _command(cli.make_image_parser(), 2)
    parser, _ = make_command_parser()
    yield from _command(parser, 2)


def _inside(file: Any, link: re.Match[str]) -> str:
    target, _, _ = link[2].partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file.src_uri), target))
    if not path.startswith("../"):
        return link[0]
    if not (Path(file.abs_src_path).parent / target).exists():
        raise FileNotFoundError(f"{file.src_uri} links to {link[2]}, which is not there")
    return link[1]


def _command(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    anchor = _anchor(parser.prog)
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    yield from (f"{'#' * level} {parser.prog} {{ #{anchor} }}", "", _prose(parser.description or ""), "")
    if not nested:
        yield from ("```text", _usage(parser), "```", "")
    for group in parser._action_groups:
        left_out = argparse._HelpAction | argparse._VersionAction | argparse._SubParsersAction
        shown = [action for action in group._group_actions if not isinstance(action, left_out)]
        if shown and group.title not in ("positional arguments", "options"):
            title = str(group.title)
            yield from (f"**{_prose(title[0].upper() + title[1:])}**", "")
        for action in shown:
            name = max(action.option_strings, key=len, default=str(action.metavar)).lower()
            yield from (f"`{_written(action)}`{{ #{anchor}-{_anchor(name)} }}", "")
            yield from (f":   {_prose(parser._get_formatter()._expand_help(action))}", "")
    for action in nested:
        for command in action.choices.values():
            yield from _command(command, level + 1)


def _usage(parser: argparse.ArgumentParser) -> str:
    """Return what must be there; all else is an option."""
    required = [action for action in parser._actions if action.required or not action.option_strings]
    return " ".join([parser.prog, "[OPTION ...]", *map(_written, required)])


def _written(action: argparse.Action) -> str:
    """Return an argument as one writes it, with what it takes."""
    takes = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    takes = f"{takes} ..." if action.nargs == "+" else str(takes)
    names = ", ".join(action.option_strings)
    return f"{names} {takes}".strip() if action.nargs != 0 else names


def _prose(text: str) -> str:
    """Return plain text as Markdown: options as code, and no other sign of it."""
    pieces = _CODE.split(text)
    return "".join(
        f"`{piece.strip('`')}`" if number % 2 else re.sub(r"([\\*_{}\[\]<>])", r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
