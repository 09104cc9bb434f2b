"""What the page asks to be drawn: its values, each checked, and of each that is wrong what is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.mixtures import to_mixture
from number_generator.digits.published import SOURCES
from number_generator.digits.resolve import default_digits, load_digits
from number_generator.errors import NumberGeneratorError, SpecError
from number_generator.job.defaults import IMAGE_WIDTH
from number_generator.job.handwriting import STYLES, Handwriting, parameters
from number_generator.job.paper_images import find_paper_images
from number_generator.job.spec import NumberSource, RenderSpec
from number_generator.studio.sheets import COUNTS
from number_generator.studio.written import read_numbers
from number_generator.studio.wrong import WrongValuesError
from number_generator.system.checks import check_integer, check_seed, format_value

_CONTROLS = {"width": "image_width", "width's MAX": "image_width", "image_height": "image_height"}
"""The controls for what the messages of RenderSpec name."""


@dataclass(frozen=True, slots=True)
class Design:
    """A style, and what is written in it."""

    spec: RenderSpec
    numbers: NumberSource
    digits: DigitImageDataset
    seed: int
    count: int
    words: tuple[str, ...]
    """What of this is not in the spec, as options of `number-generator generate`."""

    @property
    def style(self) -> Handwriting:
        """How lines are written."""
        return self.spec.style


def read_style(table: Mapping[str, Any]) -> Handwriting:
    """Return the style that the page describes: `base`, `changes` of it, and `paper_images`.

    Raises
    ------
    WrongValuesError
        With a message for each parameter whose value is not valid.
    """
    checking = _Checking()
    base = checking.check("base", Handwriting.named, _get_text(table, "base"))
    changes = table.get("changes")
    if not isinstance(changes, Mapping):
        raise SpecError(f"changes is {format_value(changes)}: give a table of parameters by name")
    checked = {name: checking.check(name, _check_value, name, value) for name, value in changes.items()}
    folder = _get_text(table, "paper_images")
    if folder:
        checked["paper_images"] = checking.check("paper_images", find_paper_images, folder)
    checking.finish()
    return base.replace(**checked)


def read_design(table: Mapping[str, Any]) -> Design:
    """Return what the page describes.

    Beside the style these are `pattern`, `country` or `sequences`, `dashes`, `image_width`, `image_height`, `digits`,
    `color`, `seed` and `count`. All but `dashes`, `color` and `count` are texts, as the options of `number-generator
    generate` take them; an empty one leaves the option out.

    Raises
    ------
    WrongValuesError
        With a message for each control whose value is not valid.
    """
    checking = _Checking()
    style = checking.check("", read_style, table) or STYLES["clean"]
    width, height, digits = (_get_text(table, name) for name in ("image_width", "image_height", "digits"))
    is_coloured = table.get("color") is True
    given = {name: _get_text(table, name) for name in ("pattern", "country", "sequences")}
    numbers = checking.check("numbers", partial(read_numbers, given, dashes=table.get("dashes") is True))
    chosen = checking.check("digits", find_digits, digits)
    seed = checking.check("seed", check_seed, _to_number(_get_text(table, "seed")))
    count = checking.check("count", check_integer, "count", table.get("count"), 1, COUNTS[-1])
    page_width = _to_number(width) if width else IMAGE_WIDTH
    page_height = _to_number(height) if height else None
    spec = checking.check("", RenderSpec, None, page_width, "contain", style, page_height, is_coloured)
    checking.finish()
    source, words = numbers
    words += (f"--digits={digits}",) if digits else ()
    return Design(spec, source, chosen, seed, count, words)


@lru_cache(maxsize=8)
def find_digits(name: str) -> DigitImageDataset:
    """Return the digits of a name, as `load_digits` takes it; the default ones for an empty name.

    They are read once, files in a process of their own first. Nothing is downloaded.

    Raises
    ------
    SpecError, DatasetError, DatasetNotFoundError, DatasetReadError
        If there are none of this name, or they must be downloaded first.
    """
    for each in to_mixture(name) or (name,):
        if each in SOURCES and not SOURCES[each].is_there():
            raise SpecError(
                f"the digits {each} are not downloaded: `number-generator digits fetch {each}` does that once"
            )
    return load_digits(name, isolated=True) if name else default_digits(isolated=True)


class _Checking:
    """Checks values one by one, and collects what is wrong, by control."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}

    def check(self, control: str, read: Callable[..., Any], *arguments: Any) -> Any:
        """Return what `read` makes of a value; None if that is wrong."""
        try:
            return read(*arguments)
        except WrongValuesError as exc:
            self.wrong |= exc.wrong
        except NumberGeneratorError as exc:
            name = str(exc).partition(" is ")[0]
            self.wrong[_CONTROLS.get(name, control)] = str(exc)
        return None

    def finish(self) -> None:
        """Raise WrongValuesError if anything was wrong."""
        if self.wrong:
            raise WrongValuesError(self.wrong)


def _check_value(name: str, value: Any) -> Any:
    """Return a parameter's value, checked."""
    for parameter in parameters():
        if parameter.name == name:
            return parameter.check(value)
    raise SpecError(f"there is no handwriting parameter {format_value(name)}")


def _get_text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise SpecError(f"{name} is {format_value(value)}: give a text")
    return value.strip()


def _to_number(text: str) -> Any:
    """Return a text as an integer, if it is one."""
    try:
        return int(text)
    except ValueError:
        return text
