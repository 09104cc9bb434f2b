"""Folders of PNG images with label files."""

from number_generator.formats.file_format import FileFormat, Lazy

FORMAT = FileFormat(
    name="png",
    title="folder of PNG images",
    summary="png images with gt.txt",
    folder_phrase="PNG images with gt.txt, metadata.jsonl, labels.csv or labels.json",
    is_folder=True,
    is_file_an_image=True,
    label_files={
        "json": "labels.json of docTR",
        "csv": "labels.csv of EasyOCR",
        "tesseract": "a .gt.txt for each image",
        "jsonl": "metadata.jsonl of Hugging Face, which holds ground truth as well",
    },
    truth_label_file="jsonl",
    folder_files=("gt.txt", "metadata.jsonl", "labels.csv", "labels.json"),
    list_source_files=Lazy("number_generator.formats.png.reader:list_source_files"),
    find_strangers=Lazy("number_generator.formats.png.writer:find_strangers"),
    open_reader=Lazy("number_generator.formats.png.reader:PngReader"),
    open_writer=Lazy("number_generator.formats.png.writer:PngWriter"),
)
