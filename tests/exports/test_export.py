"""Exports hold the boxes of the dataset, as the tools that read each kind understand them."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from running import run

from number_generator import GenericDataset, export
from number_generator.commands.main import main
from number_generator.errors import DatasetError, OutputError, OutputExistsError, SpecError
from number_generator.exports.kinds import KINDS
from number_generator.formats.conversion import write_dataset
from number_generator.formats.memory_reader import PagesReader
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.spec import Span

LABELS = ["12 7", "", "-3"]
BOXES = [
    [(1, 2, 4, 9), (5, 2, 8, 10), (-1, -1, -1, -1), (12, 1, 17, 9)],
    [(-1, -1, -1, -1)] * 4,
    [(3, 5, 6, 6), (7, 2, 10, 8), (-1, -1, -1, -1), (-1, -1, -1, -1)],
]
HEIGHT, WIDTH = 11, 20


def write_source(path, part=None, labels=LABELS, boxes=BOXES):
    """Write a dataset whose images are told apart by their grey, and return its path."""
    images = np.stack([np.full((HEIGHT, WIDTH), 200 + k, np.uint8) for k in range(len(labels))])
    field = TruthField("boxes", (4, 4), "int16", -1, {})
    header = DatasetHeader(images.shape, 4, {"split": part} if part else {}, (field,))
    chunk = Chunk(Span(0, len(labels)), images, np.array(labels, "S4"), {"boxes": np.array(boxes, np.int16)})
    with open_writer("npz", path, header, overwrite=False) as writer:
        writer.write(writer.encode(chunk))
        writer.commit()
    return path


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "lines.npz")


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_images_are_those_of_the_dataset_whatever_the_kind(tmp_path, source):
    for kind in KINDS:
        export(source, tmp_path / kind, kind, workers=2)
        for number in range(3):
            image = Image.open(tmp_path / kind / "images" / "train" / "0000" / f"{number:09d}.png")
            assert (image.size, image.getpixel((0, 0))) == ((WIDTH, HEIGHT), 200 + number)


def test_images_that_differ_in_size_are_exported_each_at_its_own(tmp_path):
    pages = [np.full((HEIGHT + k, WIDTH - 3 * k), 200, np.uint8) for k in range(3)]
    field = TruthField("boxes", (4, 4), "int16", -1, {})
    reader = PagesReader(pages, LABELS, {"boxes": np.array(BOXES, np.int16)}, (field,), tmp_path)
    write_dataset(reader, tmp_path / "lines", "webdataset")

    export(tmp_path / "lines", tmp_path / "out", "coco")

    for number, page in enumerate(pages):
        with Image.open(tmp_path / "out" / "images" / "train" / "0000" / f"{number:09d}.png") as image:
            assert image.size == page.shape[::-1]


def test_coco_is_read_by_its_own_library(tmp_path, source, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    val = write_source(tmp_path / "val.npz", "val", ["9."], [[(0, 0, 4, 11), (6, 9, 7, 11), (-1,) * 4, (-1,) * 4]])
    export([source, val], tmp_path / "out", "coco")
    read = coco.COCO(tmp_path / "out" / "annotations" / "instances_train.json")
    names = {each["id"]: each["name"] for each in read.loadCats(read.getCatIds())}
    assert list(names.values()) == [*"0123456789", "-", "."]
    image = read.loadImgs(read.getImgIds())[0]
    assert (image["file_name"], image["width"], image["height"]) == ("0000/000000000.png", WIDTH, HEIGHT)
    found = read.loadAnns(read.getAnnIds(imgIds=image["id"]))
    assert [(names[each["category_id"]], each["bbox"]) for each in found] == [
        ("1", [1, 2, 3, 7]), ("2", [5, 2, 3, 8]), ("7", [12, 1, 5, 8]),
    ]  # fmt: skip
    assert found[0]["area"] == 21
    other = coco.COCO(tmp_path / "out" / "annotations" / "instances_val.json")
    assert other.getImgIds() == [4]
    assert set(other.getAnnIds()).isdisjoint(read.getAnnIds())
    capsys.readouterr()


def test_yolo_has_a_text_file_an_image_and_names_its_classes(tmp_path, source):
    export(source, tmp_path / "out", "yolo")
    data = (tmp_path / "out" / "data.yaml").read_text()
    assert data.startswith('path: .\ntrain: images/train\nval: images/train\nnames:\n  0: "0"\n  1: "1"\n')
    assert data.endswith('  10: "-"\n')
    folder = tmp_path / "out" / "labels" / "train" / "0000"
    rows = [list(map(float, row.split())) for row in (folder / "000000000.txt").read_text().splitlines()]
    inked = [BOXES[0][k] for k in (0, 1, 3)]
    for row, digit, box in zip(rows, (1, 2, 7), inked, strict=True):
        number, x, y, width, height = row
        assert number == digit
        corners = (x - width / 2) * WIDTH, (y - height / 2) * HEIGHT, (x + width / 2) * WIDTH, (y + height / 2) * HEIGHT
        assert corners == pytest.approx(box, abs=1e-4)
    assert (folder / "000000001.txt").read_text() == ""


def test_page_xml_has_line_words_and_glyphs(tmp_path, source):
    export(source, tmp_path / "out", "page")
    folder = tmp_path / "out" / "images" / "train" / "0000"
    space = {"p": "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"}
    root = ElementTree.parse(folder / "000000000.xml").getroot()
    page = root.find("p:Page", space)
    assert page.attrib == {"imageFilename": "000000000.png", "imageWidth": "20", "imageHeight": "11"}
    line = page.find("p:TextRegion/p:TextLine", space)
    assert line.find("p:TextEquiv/p:Unicode", space).text == "12 7"
    assert line.find("p:Coords", space).get("points") == "1,1 16,1 16,9 1,9"
    assert line.find("p:Baseline", space).get("points") == "1,8 16,8"
    words = line.findall("p:Word", space)
    assert [word.find("p:TextEquiv/p:Unicode", space).text for word in words] == ["12", "7"]
    glyphs = [glyph for word in words for glyph in word.findall("p:Glyph", space)]
    assert [glyph.find("p:TextEquiv/p:Unicode", space).text for glyph in glyphs] == ["1", "2", "7"]
    assert glyphs[0].find("p:Coords", space).get("points") == "1,2 3,2 3,8 1,8"
    assert ElementTree.parse(folder / "000000001.xml").getroot().find("p:Page/p:TextRegion", space) is None


def test_alto_has_line_strings_and_glyphs(tmp_path, source):
    export(source, tmp_path / "out", "alto")
    folder = tmp_path / "out" / "images" / "train" / "0000"
    space = {"a": "http://www.loc.gov/standards/alto/ns-v4#"}
    root = ElementTree.parse(folder / "000000000.xml").getroot()
    assert root.find("a:Description/a:sourceImageInformation/a:fileName", space).text == "000000000.png"
    line = root.find("a:Layout/a:Page/a:PrintSpace/a:TextBlock/a:TextLine", space)
    assert [part.tag.rpartition("}")[2] for part in line] == ["Shape", "String", "SP", "String"]
    strings = line.findall("a:String", space)
    assert [each.get("CONTENT") for each in strings] == ["12", "7"]
    glyph = strings[1].find("a:Glyph", space)
    assert [glyph.get(name) for name in ("CONTENT", "HPOS", "VPOS", "WIDTH", "HEIGHT")] == ["7", "12", "1", "5", "8"]
    assert ElementTree.parse(folder / "000000001.xml").getroot().find(".//a:TextBlock", space) is None


def test_label_studio_has_a_task_an_image(tmp_path, source):
    export(source, tmp_path / "out", "label-studio")
    tasks = json.loads((tmp_path / "out" / "tasks_train.json").read_bytes())
    assert [task["data"]["label"] for task in tasks] == LABELS
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=out/images/train/0000/000000000.png"
    results = tasks[0]["annotations"][0]["result"]
    value = results[2]["value"]
    assert value["rectanglelabels"] == ["7"]
    assert (value["x"], value["y"], value["width"]) == (100 * 12 / 20, 100 * 1 / 11, 100 * 5 / 20)
    assert results[3]["value"] == {"text": ["12 7"]}
    config = ElementTree.parse(tmp_path / "out" / "config.xml").getroot()
    assert [label.get("value") for label in config.iter("Label")] == [*"0123456789", "-"]


def test_boxes_are_cut_at_the_borders_of_the_image(tmp_path):
    path = write_source(tmp_path / "a.npz", None, ["12"], [[(-2, -3, 4, 9), (19, 2, 30, 40), (-1,) * 4, (-1,) * 4]])
    export(path, tmp_path / "out", "coco")
    found = json.loads((tmp_path / "out" / "annotations" / "instances_train.json").read_bytes())
    assert [each["bbox"] for each in found["annotations"]] == [[0, 0, 4, 9], [19, 2, 1, 9]]


@pytest.mark.parametrize("kind", ["page", "alto"])
def test_points_are_pixels_of_the_image(tmp_path, kind):
    boxes = [(0, 0, 10, 11), (10, 0, 20, 11), (-1,) * 4, (-1,) * 4]  # the whole image
    export(write_source(tmp_path / "a.npz", None, ["12"], [boxes]), tmp_path / "out", kind)

    text = (tmp_path / "out" / "images" / "train" / "0000" / "000000000.xml").read_text(encoding="utf-8")

    lists = re.findall(r'(?:points|POINTS|BASELINE)="([^"]+)"', text)
    points = [tuple(map(int, point.split(","))) for each in lists for point in each.split()]
    assert (max(x for x, _ in points), max(y for _, y in points)) == (19, 10)


def test_an_earlier_export_is_replaced_if_asked_for_and_nothing_else_is(tmp_path, source):
    export(source, tmp_path / "out", "coco")
    before = files_in(tmp_path / "out")
    with pytest.raises(OutputExistsError):
        export(source, tmp_path / "out", "yolo")
    assert files_in(tmp_path / "out") == before
    export(source, tmp_path / "out", "yolo", overwrite=True)
    assert not (tmp_path / "out" / "annotations").exists()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    for folder, text in (("out", "holds 'thesis.txt'"), ("other", "did not export")):
        with pytest.raises(OutputError, match=text):
            export(source, tmp_path / folder, "yolo", overwrite=True)
        assert (tmp_path / folder / "thesis.txt").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(tmp_path, source):
    GenericDataset(np.zeros((1, 5, 5), np.uint8), ["1"]).save(tmp_path / "plain.npz")
    short = write_source(tmp_path / "short.npz", None, ["12"], [[(1, 1, 2, 2)] * 4])
    with pytest.raises(DatasetError, match="holds no boxes"):
        export(tmp_path / "plain.npz", tmp_path / "out", "coco")
    with pytest.raises(SpecError, match="give one of 'coco', 'yolo'"):
        export(source, tmp_path / "out", "voc")
    with pytest.raises(SpecError, match="is the part 'train', as another one is"):
        export([source, short], tmp_path / "out", "coco")
    with pytest.raises(SpecError, match="sources is empty"):
        export([], tmp_path / "out", "coco")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines.npz", "plain.npz", "short.npz"]


def test_the_command_exports_the_parts_of_a_split(tmp_path, source, capsys):
    val = write_source(tmp_path / "val.npz", "val")
    assert run(main, "export", source, val, tmp_path / "out", "--format", "yolo", "--quiet") == 0
    assert "6 images (3 of train, 3 of val) exported as yolo" in capsys.readouterr().out
    assert "val: images/val" in (tmp_path / "out" / "data.yaml").read_text()
    assert run(main, "export", source, tmp_path / "out", "--format", "coco", "--quiet") == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["page", "alto"])
def test_kraken_reads_the_line_of_a_page(tmp_path, source, kind):
    xml = pytest.importorskip("kraken.lib.xml")
    export(source, tmp_path / "out", kind)
    page = xml.XMLPage(tmp_path / "out" / "images" / "train" / "0000" / "000000000.xml")
    (line,) = page.lines.values()
    assert line.text == "12 7"
    assert line.baseline == [(1, 8), (16, 8)]
