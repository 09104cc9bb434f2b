"""Label Studio: `tasks_PART.json`, a task for each image with its boxes and its text, and `config.xml`.

The formats are described at https://labelstud.io/guide/task_format and https://labelstud.io/tags/rectanglelabels. The
paths of images are those of local storage whose document root holds the folder of the export, under its own name.
"""

from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from number_generator.exports.exporter import IMAGES, JsonList, Line
from number_generator.formats.schema import dump_json
from number_generator.system.atomic_folder import AtomicFolder

_CONFIG = "config.xml"
_BOXES, _TEXT, _IMAGE = "characters", "text", "image"


class LabelStudioExporter:
    """Write a list of tasks a part."""

    names = frozenset((_CONFIG,))

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Write the configuration of the labelling interface, and begin the lists."""
        self._root = f"/data/local-files/?d={quote(folder.path.name)}/{IMAGES}"
        self.names = self.names | {f"tasks_{part}.json" for part in parts}
        self._files = {part: folder.create(f"tasks_{part}.json") for part in parts}
        self._tasks = {part: JsonList(file) for part, file in self._files.items()}
        labels = "".join(f"<Label value={quoteattr(character)}/>" for character in characters)
        with folder.create(_CONFIG) as file:
            file.write(
                f'<View><Image name="{_IMAGE}" value="$image" zoom="true"/><RectangleLabels name="{_BOXES}" '
                f'toName="{_IMAGE}">{labels}</RectangleLabels><TextArea name="{_TEXT}" toName="{_IMAGE}" '
                'maxSubmissions="1" editable="true"/></View>\n'.encode()
            )

    def add(self, line: Line) -> None:
        """Append the task of an image."""
        about = {"original_width": line.width, "original_height": line.height, "image_rotation": 0, "to_name": _IMAGE}
        results: list[dict[str, Any]] = []
        for place, (character, (left, top, right, bottom)) in enumerate(line.characters):
            value = {
                "x": 100 * left / line.width,
                "y": 100 * top / line.height,
                "width": 100 * (right - left) / line.width,
                "height": 100 * (bottom - top) / line.height,
                "rotation": 0,
                "rectanglelabels": [character],
            }
            results.append({"id": f"c{place}", "type": "rectanglelabels", "from_name": _BOXES, "value": value, **about})
        results.append({"id": "t", "type": "textarea", "from_name": _TEXT, "value": {"text": [line.label]}, **about})
        data = {"image": f"{self._root}/{quote(line.part)}/{quote(line.name)}.png", "label": line.label}
        task = {"id": line.number + 1, "data": data, "annotations": [{"result": results}]}
        self._tasks[line.part].append(dump_json(task))

    def end(self) -> None:
        """Close the lists."""
        for part, file in self._files.items():
            self._tasks[part].end()
            file.write(b"\n")
            file.close()
