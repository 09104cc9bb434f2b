"""What the browser is answered. Each request carries all that it needs: nothing of a tab is kept here."""

import contextlib
import importlib
import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from number_generator.errors import NumberGeneratorError, OutputExistsError, SpecError
from number_generator.job.defaults import HIGHEST_PAGE, IMAGE_WIDTH, LOWEST_PAGE, PACKAGED, SHEET_WIDTH
from number_generator.job.distributions import NORMAL_REACH
from number_generator.job.handwriting import COLOUR, OWN_PAPER, STYLES, parameters
from number_generator.job.parameters import Parameter
from number_generator.numbers.named_patterns import NAMED
from number_generator.studio.files import load_style, save_style
from number_generator.studio.sheets import COUNTS, pack_json
from number_generator.studio.wrong import WrongValuesError
from number_generator.system.checks import check_integer
from number_generator.system.optional import import_optional

if TYPE_CHECKING:
    from number_generator.studio.guard import Application
    from number_generator.studio.nearness import Nearness
    from number_generator.studio.scans import Scans

_STATIC = Path(__file__).with_name("static")
_BINARY = "application/octet-stream"
_NO_SCANS = "there are no scans: name them when the studio is started, with --scans"
_MOST_REQUEST_BYTES = 1 << 20  # a request that changes all parameters has 10 kB


@dataclass(frozen=True)
class Studio:
    """What a page is about, for all of its tabs: what it starts from, the user's scans, and where messages go."""

    start: Mapping[str, Any]
    digits: str
    scans: "Scans | None"
    tell: Callable[[str], object]

    def warm(self) -> None:
        """Draw a first sheet, which loads or compiles the kernels, so that the page's own one is there sooner."""
        with contextlib.suppress(NumberGeneratorError):  # the page shows what is wrong, such as with the digits
            self.draw({**self.start, **self.sheet})

    @property
    def sheet(self) -> dict[str, Any]:
        """What the page draws at first, beside the style."""
        return {
            "pattern": "",
            "country": "",
            "sequences": "",
            "dashes": False,
            "image_width": str(SHEET_WIDTH),
            "image_height": "",
            "digits": self.digits,
            "color": False,
            "seed": "1",
            "count": 24,
        }

    def describe(self, _: Mapping[str, Any]) -> bytes:
        """Return what the page needs to begin."""
        from number_generator.digits.published import SOURCES  # noqa: PLC0415 - takes a while to load

        return pack_json(
            {
                "parameters": [_describe_parameter(each) for each in parameters()],
                "styles": {name: style.to_dict() for name, style in STYLES.items()},
                "patterns": [[name, pattern.description] for name, pattern in NAMED.items()],
                "digits": [PACKAGED, *(name for name, source in SOURCES.items() if source.is_there())],
                "width": IMAGE_WIDTH,
                "heights": [LOWEST_PAGE, HIGHEST_PAGE],
                "bell_reach": NORMAL_REACH,
                "counts": COUNTS,
                "groups": {"paper": OWN_PAPER, "colour": COLOUR},
                "scans": None if self.scans is None else self.scans.name,
                "start": self.start,
                "sheet": self.sheet,
            }
        )

    def draw(self, table: Mapping[str, Any]) -> bytes:
        """Return the sheet that a design asks for."""
        return bytes(_drawing().draw_sheet(table, self.tell))

    def explain(self, table: Mapping[str, Any]) -> bytes:
        """Return the picture of a parameter."""
        return bytes(_drawing().draw_parameter(table.get("name"), str(table.get("paper_images", ""))))

    def show_scans(self, table: Mapping[str, Any]) -> bytes:
        """Return some scans, as pages of the size of those drawn."""
        if self.scans is None:
            raise SpecError(_NO_SCANS)
        first = check_integer("first", table.get("first"), 0)
        count = check_integer("count", table.get("count"), 1, COUNTS[-1])
        return self.scans.draw(first, count, table.get("height"), table.get("width"))

    def measure(self, table: Mapping[str, Any]) -> bytes:
        """Return how near a design comes to the scans."""
        return self._nearness.measure(table)

    @cached_property
    def _nearness(self) -> "Nearness":
        if self.scans is None:
            raise SpecError(_NO_SCANS)
        from number_generator.studio.nearness import Nearness  # noqa: PLC0415 - loads compiled code

        return Nearness(self.scans.path, self.tell)

    def load(self, table: Mapping[str, Any]) -> bytes:
        """Return the style of a file."""
        return pack_json(load_style(table.get("path")))

    def save(self, table: Mapping[str, Any]) -> bytes:
        """Write a style to a file, and return its place."""
        from number_generator.studio.designs import read_style  # noqa: PLC0415 - loads compiled code

        path = save_style(table.get("path"), read_style(table), overwrite=table.get("overwrite") is True)
        return pack_json({"path": str(path)})


def make_application(studio: Studio) -> "Application":
    """Return what answers the browser: the page's files, and the requests of its scripts.

    Raises
    ------
    MissingExtraError
        If Starlette is not installed.
    """
    applications = import_optional("starlette.applications", "studio", "the studio")
    routing = import_optional("starlette.routing", "studio", "the studio")
    static = import_optional("starlette.staticfiles", "studio", "the studio")
    mimetypes.add_type("text/javascript", ".js")  # on Windows, the registry may say otherwise
    works = {
        "describe": studio.describe,
        "draw": studio.draw,
        "explain": studio.explain,
        "scans": studio.show_scans,
        "near": studio.measure,
        "load": studio.load,
        "save": studio.save,
    }
    routes = [routing.Route(f"/api/{name}", _answer(work), methods=["POST"]) for name, work in works.items()]
    files = routing.Mount("/", static.StaticFiles(directory=_STATIC, html=True))
    application: Application = applications.Starlette(routes=[*routes, files])
    return application


def _answer(work: Callable[[Mapping[str, Any]], bytes]) -> Callable[[Any], Any]:
    """Return what answers a request: `work` is done in a thread, and what is wrong becomes a status and messages."""
    responses = import_optional("starlette.responses", "studio", "the studio")
    concurrency = import_optional("starlette.concurrency", "studio", "the studio")

    def carry_out(table: Any) -> tuple[int, bytes]:
        try:
            if not isinstance(table, dict):
                raise SpecError("the request is no table: give one in JSON, of at most 1 MB")
            return 200, work(table)
        except WrongValuesError as exc:
            return 422, pack_json({"wrong": exc.wrong})
        except OutputExistsError as exc:
            return 409, pack_json({"wrong": {"": str(exc)}})
        except NumberGeneratorError as exc:
            return 422, pack_json({"wrong": {"": str(exc)}})

    async def answer(request: Any) -> Any:
        status, content = await concurrency.run_in_threadpool(carry_out, await _read_table(request))
        return responses.Response(content, status, media_type=_BINARY)

    return answer


async def _read_table(request: Any) -> Any:
    """Return what a request holds; None if that is no JSON, or more than any page sends."""
    requests = import_optional("starlette.requests", "studio", "the studio")
    content = bytearray()
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > _MOST_REQUEST_BYTES:
                return None
        return json.loads(content)
    except (ValueError, RecursionError, requests.ClientDisconnect):  # no JSON, endless nesting, a tab that was closed
        return None


def _drawing() -> Any:
    """Return the module that draws, which loads compiled code: the page appears before."""
    return importlib.import_module("number_generator.studio.drawing")


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "group": parameter.group,
        "scope": parameter.scope,
        "unit": parameter.unit,
        "low": parameter.low,
        "high": parameter.high,
        "choices": parameter.choices,
        "text": parameter.text,
    }
