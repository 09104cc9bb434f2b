"""PAGE XML: a file beside each image with its line, words and characters ("glyphs").

The format is that of 2019-07-15, described at https://ocr-d.de/en/gt-guidelines/pagexml/pagecontent_xsd_Complex_Type_pc_PcGtsType.html.
"""

from xml.sax.saxutils import escape, quoteattr

from number_generator._version import __version__
from number_generator.exports.exporter import IMAGES, Box, Line, surround
from number_generator.system.atomic_folder import AtomicFolder

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_CREATED = "1970-01-01T00:00:00"  # the same dataset gives the same bytes


class PageExporter:
    """Write a file of PAGE XML an image."""

    names: frozenset[str] = frozenset()

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Remember the folder."""
        self._root = folder.temporary_path / IMAGES

    def add(self, line: Line) -> None:
        """Write the file of an image."""
        place = self._root / line.part / f"{line.name}.xml"
        place.write_bytes(format_page(line).encode())

    def end(self) -> None:
        """Do nothing: each file is complete."""


def format_page(line: Line) -> str:
    """Return an image's annotations as PAGE XML."""
    name = quoteattr(f"{line.name.rpartition('/')[2]}.png")
    page = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<PcGts xmlns="{_NAMESPACE}">',
        f"<Metadata><Creator>number_generator {__version__}</Creator><Created>{_CREATED}</Created>"
        f"<LastChange>{_CREATED}</LastChange></Metadata>",
        f'<Page imageFilename={name} imageWidth="{line.width}" imageHeight="{line.height}">',
    ]
    box = line.box
    if box is not None:
        page += [f'<TextRegion id="region">{_format_outline(box)}', *_format_line(line, box), "</TextRegion>"]
    return "\n".join([*page, "</Page>", "</PcGts>", ""])


def _format_line(line: Line, box: Box) -> list[str]:
    baseline = f"{box[0]},{line.baseline} {box[2] - 1},{line.baseline}"
    parts = [f'<TextLine id="line">{_format_outline(box)}<Baseline points="{baseline}"/>']
    for number, (word, characters) in enumerate(line.words(), 1):
        around = surround([each for _, each in characters])
        parts.append(f'<Word id="word{number}">{_format_outline(around)}')
        parts += [
            f'<Glyph id="word{number}_{place}">{_format_outline(each)}{_format_text(character)}</Glyph>'
            for place, (character, each) in enumerate(characters, 1)
        ]
        parts.append(f"{_format_text(word)}</Word>")
    return [*parts, f"{_format_text(line.label)}</TextLine>"]


def _format_outline(box: Box) -> str:
    """Return the corners of a box; in PAGE points are pixels, so the last ones belong to the box."""
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    return f'<Coords points="{left},{top} {right},{top} {right},{bottom} {left},{bottom}"/>'


def _format_text(text: str) -> str:
    return f"<TextEquiv><Unicode>{escape(text)}</Unicode></TextEquiv>"
