"""Write the pictures of `studio.md`, in a browser: `PYTHONPATH=tests python docs/make_studio.py`."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from browsers import open_browser
from PIL import Image
from serving import serve

from number_generator import GenericDataset, Handwriting, generate_chunk
from number_generator.numbers.patterns import Pattern
from number_generator.studio.scans import Scans

_HERE = Path(__file__).parent
_SCANNED = Handwriting.named("document").replace(slant=(0.2, 0.4), ink=(0.5, 0.7), paper=(0.7, 0.8), waves=0, boxed=0.8)
_COLOURS = 128  # of a picture: more cannot be told apart
_WINDOWS = {
    "studio": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "studio-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "studio-phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "light",
        "has_touch": True,
        "device_scale_factor": 2,
    },
}


def write() -> None:
    """Write all pictures; drawn lines stand for the user's scans."""
    with TemporaryDirectory() as folder, open_browser() as browser:
        path = Path(folder) / "scans.npz"
        chunk = generate_chunk(Pattern.named("amount"), None, 128, count=48, style=_SCANNED, seed=3)
        GenericDataset(chunk.images, chunk.labels).save(path)
        scans = Scans(str(path))
        scans.name = path.name
        with serve(scans=scans) as server:
            for name, about in _WINDOWS.items():
                context = browser.new_context(**about)
                page = context.new_page()
                page.goto(server.address)
                _prepare(page, name)
                _save(page.screenshot(), name)
                context.close()


def _prepare(page: Any, name: str) -> None:
    """Change what the picture is to show."""
    page.wait_for_selector("#status[data-elapsed]")
    page.wait_for_function("() => window.studio.isSettled()")
    if name == "studio-phone":
        page.get_by_role("slider", name="gap, high end", exact=True).scroll_into_view_if_needed()
        page.evaluate("() => document.querySelector('[data-name=gap]').scrollIntoView({ block: 'center' })")
    else:
        page.get_by_label("Numbers").select_option("amount")
        page.locator("#groups summary").filter(has_text="Line").click()
        page.get_by_role("slider", name="slant", exact=True).fill("0.3")
        page.get_by_role("button", name="Help for slant", exact=True).click()
        page.wait_for_selector("#help-slant figure")
        page.evaluate("() => document.querySelector('[data-name=slant]').scrollIntoView()")
    page.wait_for_function("() => window.studio.isSettled()")


def _save(content: bytes, name: str) -> None:
    with Image.open(io.BytesIO(content)) as image:
        few = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(_HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    write()
