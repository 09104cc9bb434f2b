"""Folders of PNG images with label files."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.file_format import FileFormat, Lazy

_TABLES = "number_generator.formats.png.label_tables"
_lines = Lazy(f"{_TABLES}:open_lines")
_columns = Lazy(f"{_TABLES}:open_columns")

LABEL_FILES = {
    "gt.txt": _lines,
    "metadata.jsonl": Lazy(f"{_TABLES}:open_objects"),
    "labels.csv": _columns,
    "labels.json": Lazy(f"{_TABLES}:open_object"),
    "metadata.csv": _columns,
    "labels.txt": _lines,
    "rec_gt.txt": _lines,
    "rec_gt_train.txt": _lines,
    "rec_gt_val.txt": _lines,
    "rec_gt_test.txt": _lines,
}
"""The label files by name, and what opens each; if a folder has several, the first here counts."""
PARTS = ("rec_gt_train.txt", "rec_gt_val.txt", "rec_gt_test.txt")
"""Those that PaddleOCR puts beside each other, for the parts of a split."""

_is_labelled = Lazy("number_generator.formats.png.loose_files:is_labelled")


def _matches_names(folder: Path, names: AbstractSet[str]) -> bool:
    return any(name in names and (folder / name).is_file() for name in LABEL_FILES) or _is_labelled(folder, names)


FORMAT = FileFormat(
    name="png",
    title="folder of PNG images",
    summary="png images with gt.txt",
    folder_phrase="PNG images with gt.txt, metadata.jsonl, labels.csv or another file of labels",
    is_folder=True,
    is_file_an_image=True,
    label_files={
        "json": "labels.json of docTR",
        "csv": "labels.csv of EasyOCR",
        "tesseract": "a .gt.txt for each image",
        "jsonl": "metadata.jsonl of Hugging Face, which holds ground truth as well",
    },
    truth_label_file="jsonl",
    folder_files=("gt.txt", "metadata.jsonl", "labels.csv", "labels.json"),  # the others may lie beside other formats
    matches_names=_matches_names,
    list_source_files=Lazy("number_generator.formats.png.reader:list_source_files"),
    find_strangers=Lazy("number_generator.formats.png.writer:find_strangers"),
    open_reader=Lazy("number_generator.formats.png.reader:PngReader"),
    open_writer=Lazy("number_generator.formats.png.writer:PngWriter"),
)
