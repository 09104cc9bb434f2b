"""COCO's object detection: `annotations/instances_PART.json` beside the images of each part.

The format is described at https://cocodataset.org/#format-data. Each character is an object, its category the
character, and `caption` of an image, which others ignore, is its label.
"""

import shutil
from typing import IO

from number_generator.exports.exporter import JsonList, Line
from number_generator.formats.schema import dump_json
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.temporaries import open_unnamed_file

_FOLDER = "annotations"


class CocoExporter:
    """Write objects with their boxes for one file a part."""

    names = frozenset((_FOLDER,))

    def begin(self, folder: AtomicFolder, parts: tuple[str, ...], characters: str) -> None:
        """Give each character a category, from 1 on: 0 means the background to many detectors."""
        self._folder = folder
        self._categories = {character: number for number, character in enumerate(characters, 1)}
        self._objects = 0
        self._files = {part: _Part(folder, part) for part in parts}

    def add(self, line: Line) -> None:
        """Append the image and its objects."""
        part = self._files[line.part]
        image = {
            "id": line.number + 1,
            "file_name": f"{line.name}.png",
            "width": line.width,
            "height": line.height,
            "caption": line.label,
        }
        part.images.append(dump_json(image))
        for character, (left, top, right, bottom) in line.characters:
            self._objects += 1
            width, height = right - left, bottom - top
            found = {
                "id": self._objects,
                "image_id": line.number + 1,
                "category_id": self._categories[character],
                "bbox": [left, top, width, height],
                "area": width * height,
                "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                "iscrowd": 0,
            }
            part.objects.append(dump_json(found))

    def end(self) -> None:
        """Join the lists of each part."""
        categories = [
            {"id": number, "name": character, "supercategory": "digit" if character.isdigit() else "sign"}
            for character, number in self._categories.items()
        ]
        for part in self._files.values():
            part.close(dump_json(categories))


class _Part:
    """The file of a part: its objects wait in an unnamed file until its images are all there."""

    def __init__(self, folder: AtomicFolder, part: str) -> None:
        self._file: IO[bytes] = folder.create(f"{_FOLDER}/instances_{part}.json")
        self._waiting = open_unnamed_file(folder.temporary_path.parent)
        self.images = JsonList(self._file, b'{"images":')
        self.objects = JsonList(self._waiting, b',\n"annotations":')

    def close(self, categories: bytes) -> None:
        self.images.end()
        self.objects.end()
        self._waiting.seek(0)
        shutil.copyfileobj(self._waiting, self._file, 1 << 20)
        self._waiting.close()
        self._file.write(b',\n"categories":' + categories + b"}\n")
        self._file.close()
