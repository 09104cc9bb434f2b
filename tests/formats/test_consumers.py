"""Written datasets as the tools that train on them read them: by their own libraries, or by what these document.

Where a tool is no library to install here, its way of finding images and labels stands in the test, in our own words.
"""

import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image
from written import ALL_LABELS, write_dataset

COUNT = 12


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Hugging Face's `datasets`, with no network and a cache of its own."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    yield datasets
    datasets.enable_progress_bars()


def grey(image):
    """Return the pixels of an image that a reader has opened."""
    return np.asarray(image.convert("L"))


# --- LMDB


class SceneTextLmdb:
    """An LMDB as PARSeq and deep-text-recognition-benchmark open it: read-only, without locks or read-ahead."""

    def __init__(self, root, charset="0123456789", longest=25):
        lmdb = pytest.importorskip("lmdb")
        self.env = lmdb.open(str(root), max_readers=32, readonly=True, lock=False, readahead=False, meminit=False)
        self.kept = []
        with self.env.begin(write=False) as transaction:
            for number in range(1, int(transaction.get(b"num-samples")) + 1):
                label = transaction.get(f"label-{number:09d}".encode()).decode()
                if 0 < len(label) <= longest and not re.search(f"[^{charset}]", label.lower()):
                    self.kept.append((number, label))

    def __len__(self):
        return len(self.kept)

    def __getitem__(self, index):
        number, label = self.kept[index]
        with self.env.begin(write=False) as transaction:
            encoded = transaction.get(f"image-{number:09d}".encode())
        return Image.open(io.BytesIO(encoded)).convert("RGB"), label


@pytest.mark.parametrize("truth", [True, False])
def test_parseq_and_deep_text_recognition_benchmark_read_an_lmdb(tmp_path, truth):
    pytest.importorskip("lmdb")
    images, labels, _ = write_dataset(tmp_path / "train" / "set.lmdb", "lmdb", COUNT, truth=truth)

    # Both look for every database below a root: for `data.mdb` in any folder, or in folders without folders.
    assert [path.parent.name for path in tmp_path.glob("**/data.mdb")] == ["set.lmdb"]
    leaves = [folder for folder, folders, _ in os.walk(tmp_path) if not folders]
    dataset = SceneTextLmdb(leaves[0])

    assert len(leaves) == 1
    assert [dataset[index][1] for index in range(len(dataset))] == labels
    assert np.array_equal([grey(dataset[index][0]) for index in range(len(dataset))], images)
    dataset.env.close()


def test_paddleocr_reads_an_lmdb(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    images, labels, _ = write_dataset(tmp_path / "set.lmdb", "lmdb", COUNT)
    sets = [
        lmdb.open(folder, max_readers=32, readonly=True, lock=False, readahead=False, meminit=False)
        for folder, folders, _ in os.walk(f"{tmp_path / 'set.lmdb'}/")
        if not folders
    ]

    with sets[0] as env, env.begin(write=False) as transaction:
        count = int(transaction.get(b"num-samples"))
        pairs = [
            (transaction.get(b"image-%09d" % number), transaction.get(b"label-%09d" % number).decode("utf-8"))
            for number in range(1, count + 1)
        ]

    assert (len(sets), count) == (1, COUNT)
    assert [label for _, label in pairs] == labels
    # It decodes with OpenCV, by the content and not by a name.
    assert np.array_equal([grey(Image.open(io.BytesIO(encoded))) for encoded, _ in pairs], images)


def test_an_lmdb_larger_than_the_usual_map_is_read_by_those_who_give_no_size(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    _, labels, _ = write_dataset(tmp_path / "set.lmdb", "lmdb", 150, truth=False, size=(280, 280))

    assert (tmp_path / "set.lmdb" / "data.mdb").stat().st_size > 11 * 2**20  # LMDB's usual map is 10 MiB
    dataset = SceneTextLmdb(tmp_path / "set.lmdb")
    assert [dataset[index][1] for index in range(150)] == labels
    dataset.env.close()
    with lmdb.open(str(tmp_path / "set.lmdb"), readonly=True, lock=False) as env:
        assert env.stat()["entries"] == 302


# --- PNG files


def test_paddleocr_and_deep_text_recognition_benchmark_read_gt_txt(tmp_path):
    images, labels, _ = write_dataset(tmp_path / "set", "png", COUNT, truth=False)

    found = []
    for line in (tmp_path / "set" / "gt.txt").read_bytes().splitlines(keepends=True):
        name, label = line.decode("utf-8").strip("\n").split("\t")
        found.append((os.path.join(tmp_path / "set", name), label))  # noqa: PTH118 - as they do

    assert [label for _, label in found] == labels
    assert np.array_equal([grey(Image.open(path)) for path, _ in found], images)


def test_doctr_reads_labels_json(tmp_path):
    images, labels, _ = write_dataset(tmp_path / "set", "png", COUNT, truth=False, labels=("json",))

    # Its training script gives the folder `images` and the file `labels.json` of what it is told to train on.
    root = tmp_path / "set" / "images"
    with open(tmp_path / "set" / "labels.json", encoding="utf-8") as file:  # noqa: PTH123 - as it does
        pairs = list(json.load(file).items())

    assert all((root / name).exists() for name, _ in pairs)
    assert [label for _, label in pairs] == labels
    assert np.array_equal([grey(Image.open(root / name)) for name, _ in pairs], images)


def test_an_empty_labels_json_is_valid(tmp_path):
    write_dataset(tmp_path / "set", "png", 0, truth=False, labels=("json",))

    assert json.loads((tmp_path / "set" / "labels.json").read_text()) == {}


def test_easyocr_reads_labels_csv_beside_the_images(tmp_path):
    images, labels, _ = write_dataset(tmp_path / "set", "png", COUNT, truth=False, labels=("csv",))

    # Its trainer takes each folder without folders, and splits a line at the first comma and nowhere else.
    found = []
    for folder, folders, _ in os.walk(tmp_path / "set"):
        if not folders:
            header, *lines = (tmp_path / folder / "labels.csv").read_text().splitlines()
            columns = re.split(r"^([^,]+),", header)[1:]
            for line in lines:
                row = dict(zip(columns, re.split(r"^([^,]+),", line)[1:], strict=True))
                found.append((tmp_path / folder / row["filename"], row["words"]))

    assert [label for _, label in found] == labels
    assert np.array_equal([grey(Image.open(path)) for path, _ in found], images)


def test_pandas_reads_labels_csv_as_easyocr_asks_it_to_but_for_the_type(tmp_path):
    pandas = pytest.importorskip("pandas")
    _, labels, _ = write_dataset(tmp_path / "set", "png", COUNT, truth=False, labels=("csv",))

    table = pandas.read_csv(
        tmp_path / "set" / "images" / "0000" / "labels.csv",
        sep="^([^,]+),",
        engine="python",
        usecols=["filename", "words"],
        keep_default_na=False,
        dtype=str,  # without it, labels of digits alone become numbers
    )

    assert table["words"].tolist() == labels
    assert table["filename"].tolist() == [f"{number:09d}.png" for number in range(1, COUNT + 1)]


def test_tesseract_finds_a_text_beside_each_image(tmp_path):
    images, labels, _ = write_dataset(tmp_path / "set", "png", COUNT, truth=False, labels=("tesseract",))

    # tesstrain looks for `*.gt.txt` in all folders of its ground truth, and makes a box file of the PNG beside each.
    texts = sorted((tmp_path / "set").rglob("*.gt.txt"))

    assert [path.read_text(encoding="utf-8").strip() for path in texts] == labels
    pages = [path.with_name(path.name.removesuffix(".gt.txt") + ".png") for path in texts]
    assert np.array_equal([grey(Image.open(page)) for page in pages], images)


@pytest.mark.parametrize("kinds", [("jsonl",), ALL_LABELS])
def test_hugging_face_reads_a_folder_of_images(tmp_path, hub, kinds):
    images, labels, truth = write_dataset(tmp_path / "set", "png", COUNT, labels=kinds)

    dataset = hub.load_dataset("imagefolder", data_dir=str(tmp_path / "set"), split="train")

    assert dataset["text"] == labels
    assert np.array_equal([grey(image) for image in dataset["image"]], images)
    assert dataset[3]["boxes"] == truth["boxes"][3, : len(labels[3])].tolist()


# --- WebDataset


# It leaves closing what it has read to Python.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_shards(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    images, labels, truth = write_dataset(tmp_path / "set", "webdataset", COUNT)

    pipeline = webdataset.WebDataset(str(tmp_path / "set" / "train-000000.tar"), shardshuffle=False)
    samples = list(pipeline.decode("l8").to_tuple("__key__", "png", "txt", "json"))

    assert [key for key, *_ in samples] == [f"{number:09d}" for number in range(1, COUNT + 1)]
    assert np.array_equal([image for _, image, *_ in samples], images)
    assert [text for *_, text, _ in samples] == labels
    assert [row["text"] for *_, row in samples] == labels
    assert [row["number"] for *_, row in samples] == list(range(COUNT))
    assert samples[3][3]["writers"] == truth["writers"][3]


def test_hugging_face_reads_the_shards(tmp_path, hub):
    images, labels, _ = write_dataset(tmp_path / "set", "webdataset", COUNT, truth=False)

    files = {"train": str(tmp_path / "set" / "*.tar")}
    dataset = hub.load_dataset("webdataset", data_files=files, split="train")

    assert dataset["txt"] == labels
    assert np.array_equal([grey(image) for image in dataset["png"]], images)


# --- Parquet


@pytest.mark.parametrize("how", ["files", "folder"])
def test_hugging_face_reads_parquet_files(tmp_path, hub, how):
    pytest.importorskip("pyarrow")
    images, labels, truth = write_dataset(tmp_path / "set", "parquet", COUNT)

    if how == "folder":
        dataset = hub.load_dataset(str(tmp_path / "set"), split="train")
    else:
        dataset = hub.load_dataset("parquet", data_files=str(tmp_path / "set" / "data" / "*.parquet"), split="train")

    assert isinstance(dataset.features["image"], hub.Image)
    assert dataset.features["text"] == hub.Value("string")
    assert dataset["text"] == labels
    assert np.array_equal([np.asarray(image) for image in dataset["image"]], images)
    for row, label in enumerate(labels):
        found = dataset[row]
        assert found["boxes"] == truth["boxes"][row, : len(label)].tolist()
        assert found["glyphs"] == truth["glyphs"][row, : len(label)].tolist()
        assert found["writers"] == truth["writers"][row]
        np.testing.assert_array_equal(np.float32(found["parameters"]), truth["parameters"][row])
        shape = (len(label), 3)
        expected = truth["glyph_parameters"][row, : len(label)]
        np.testing.assert_array_equal(np.float32(found["glyph_parameters"]).reshape(shape), expected)


@pytest.mark.parametrize("part", ["train", "val", "test", "fold-1"])
def test_the_name_of_a_part_becomes_that_of_hugging_faces_split(tmp_path, hub, part):
    pytest.importorskip("pyarrow")
    write_dataset(tmp_path / "set", "parquet", COUNT, truth=False, part=part)

    found = hub.load_dataset(str(tmp_path / "set"))

    assert {name: len(dataset) for name, dataset in found.items()} == {part.replace("-", "_"): COUNT}


def test_an_empty_parquet_file_has_all_columns(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_dataset(tmp_path / "set", "parquet", 0)

    table = parquet.read_table(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")

    assert (table.num_rows, table.column_names[:3]) == (0, ["image", "text", "boxes"])


# --- NumPy


def test_numpy_reads_an_npz_archive(tmp_path):
    images, labels, truth = write_dataset(tmp_path / "set.npz", "npz", COUNT)

    with np.load(tmp_path / "set.npz", allow_pickle=False) as archive:
        assert sorted(archive) == sorted(["images", "labels", "metadata", *truth])
        assert np.array_equal(archive["images"], images)
        assert archive["labels"].tolist() == labels
        assert json.loads(archive["metadata"].item())["shape"] == [COUNT, 6, 9]
        for name, values in truth.items():
            assert archive[name].dtype == values.dtype
            np.testing.assert_array_equal(archive[name], values)
