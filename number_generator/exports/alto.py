"""ALTO XML: a file beside each image with its line, words ("strings") and characters ("glyphs").

The format is version 4.4, described at https://www.loc.gov/standards/alto/.
"""

from xml.sax.saxutils import escape, quoteattr

from number_generator._version import __version__
from number_generator.exports.exporter import IMAGES, Box, Line, surround
from number_generator.system.atomic_folder import AtomicFolder

_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"


class AltoExporter:
    """Write a file of ALTO XML an image."""

    names: frozenset[str] = frozenset()

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Remember the folder."""
        self._root = folder.temporary_path / IMAGES

    def add(self, line: Line) -> None:
        """Write the file of an image."""
        place = self._root / line.part / f"{line.name}.xml"
        place.write_bytes(format_alto(line).encode())

    def end(self) -> None:
        """Do nothing: each file is complete."""


def format_alto(line: Line) -> str:
    """Return an image's annotations as ALTO XML."""
    name = escape(f"{line.name.rpartition('/')[2]}.png")
    whole = (0, 0, line.width, line.height)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<alto xmlns="{_NAMESPACE}" SCHEMAVERSION="4.4">',
        f"<Description><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation><fileName>{name}</fileName>"
        '</sourceImageInformation><Processing ID="drawn"><processingSoftware><softwareName>number_generator'
        f"</softwareName><softwareVersion>{__version__}</softwareVersion></processingSoftware></Processing>"
        "</Description>",
        f'<Layout><Page ID="page" PHYSICAL_IMG_NR="1" WIDTH="{line.width}" HEIGHT="{line.height}">'
        f"<PrintSpace {_format_box(whole)}>",
    ]
    box = line.box
    if box is not None:
        parts += [f'<TextBlock ID="block" {_format_box(box)}>', *_format_line(line, box), "</TextBlock>"]
    return "\n".join([*parts, "</PrintSpace></Page></Layout>", "</alto>", ""])


def _format_line(line: Line, box: Box) -> list[str]:
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1  # kraken refuses points beyond the last pixels
    baseline = f"{left},{line.baseline} {right},{line.baseline}"
    outline = f"{left},{top} {right},{top} {right},{bottom} {left},{bottom}"
    parts = [
        f'<TextLine ID="line" {_format_box(box)} BASELINE="{baseline}"><Shape><Polygon POINTS="{outline}"/></Shape>'
    ]
    last: Box | None = None
    for number, (word, characters) in enumerate(line.words(), 1):
        around = surround([each for _, each in characters])
        if last is not None:
            parts.append(f'<SP HPOS="{last[2]}" VPOS="{top}" WIDTH="{max(0, around[0] - last[2])}"/>')
        last = around
        parts.append(f'<String ID="word{number}" CONTENT={quoteattr(word)} {_format_box(around)}>')
        parts += [
            f'<Glyph ID="word{number}_{place}" CONTENT={quoteattr(character)} {_format_box(each)}/>'
            for place, (character, each) in enumerate(characters, 1)
        ]
        parts.append("</String>")
    return [*parts, "</TextLine>"]


def _format_box(box: Box) -> str:
    left, top, right, bottom = box
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'
