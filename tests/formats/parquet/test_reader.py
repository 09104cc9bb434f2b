"""Parquet, as Hugging Face `datasets` and other programs write it, and as a hostile hand does."""

import io

import numpy as np
import pytest
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, TRUTH, write

from number_generator.errors import DatasetError, MissingExtraError
from number_generator.formats.detection import detect_format
from number_generator.formats.parquet.writer import ParquetWriter
from number_generator.formats.reader import open_reader
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def table(images=IMAGES, labels=LABELS):
    pages = [{"bytes": png(image), "path": None} for image in images]
    return pyarrow.table({"image": pages, "text": labels})


@pytest.mark.parametrize("options", [{}, {"row_group_size": 3}, {"compression": "zstd"}, {"use_dictionary": False}])
def test_a_file_of_another_program_is_read(tmp_path, options):
    parquet.write_table(table(), tmp_path / "lines", **options)

    assert detect_format(tmp_path / "lines") == "parquet"
    with open_reader(tmp_path / "lines") as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS
        assert reader.metadata == {}
        assert reader.truth_names == ()
        assert reader.chunk_length == options.get("row_group_size", COUNT)


@pytest.mark.parametrize("folder", ["", "data"])
def test_files_may_lie_in_a_folder(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    for number, part in enumerate([slice(4), slice(4, 5), slice(5, None)]):
        parquet.write_table(table(IMAGES[part], LABELS[part]), tmp_path / folder / f"train-0000{number}-of-3.parquet")

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT, 3) == LABELS[::3]
        np.testing.assert_array_equal(reader.image(4), IMAGES[4])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_datasets_writes_is_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    content = {"image": [Image.fromarray(image) for image in IMAGES], "text": LABELS}
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    datasets.Dataset.from_dict(content, features=features).to_parquet(tmp_path / "lines.parquet")

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS


def test_several_parts_are_told_apart(tmp_path):
    for part in ("train", "test"):
        parquet.write_table(table(), tmp_path / f"{part}-00000-of-00001.parquet")

    with pytest.raises(DatasetError, match=r"several parts \('test', 'train'\)"):
        open_reader(tmp_path)


def test_several_files_of_ours_are_one_dataset(tmp_path):
    header = DatasetHeader(IMAGES.shape, 3, {"a": 1})
    with ParquetWriter(tmp_path / "set", header, overwrite=False, shard_images=3) as writer:
        for span in Span(0, COUNT).split(writer.span_multiple):
            part = slice(span.start, span.stop)
            writer.write(writer.encode(Chunk(span, IMAGES[part], np.array(LABELS[part], "S3"))))
        writer.commit()

    with open_reader(tmp_path / "set") as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.metadata == {"a": 1}


def test_one_file_of_several_is_a_dataset_of_its_own(tmp_path):
    folder = write(tmp_path / "set", "parquet")
    [path] = (folder / "data").iterdir()
    parquet.write_table(parquet.read_table(path).slice(2, 3), tmp_path / "some.parquet")

    with open_reader(tmp_path / "some.parquet") as reader:
        np.testing.assert_array_equal(reader.images(0, 3), IMAGES[2:5])
        np.testing.assert_array_equal(reader.truth("boxes", 0, 3), TRUTH["boxes"][2:5])


def test_columns_may_have_been_dropped(tmp_path):
    folder = write(tmp_path / "set", "parquet")
    [path] = (folder / "data").iterdir()
    parquet.write_table(parquet.read_table(path).drop_columns(["boxes", "writers"]), path)

    with open_reader(folder) as reader:
        assert set(reader.truth_names) == set(TRUTH) - {"boxes", "writers"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": None}, "no column is that of the images .it has 'text'.: give it the name 'image'"),
        ({"text": None}, "no column is that of the labels .it has 'image'.: give it the name 'text'"),
        ({"text": [*LABELS[:6], None]}, "text of image 7 of lines is None"),
        ({"text": [*LABELS[:6], "1" * 70_000]}, "text of image 7 of lines is '1"),
        ({"text": [0.5] * COUNT}, "no column is that of the labels .it has 'image', 'text'."),
        ({"image": [{"bytes": None, "path": "/etc/passwd"}] * COUNT}, "paths must lead to files in the folder itself"),
        ({"image": [3] * COUNT}, "no column is that of the images"),
        ({"image": ["text"] * COUNT}, "its image 'text' cannot be read"),
        ({"image": [{"bytes": png(IMAGES[0])}, *[None] * (COUNT - 1)]}, "image 2 of lines has no bytes"),
        ({"image": [{"bytes": b"hello"}] * COUNT}, "not a PNG or JPEG image"),
    ],
)
def test_a_file_of_something_else_is_refused_in_words(tmp_path, changes, words):
    columns = {**{name: table().column(name) for name in ("image", "text")}, **changes}
    content = pyarrow.table({name: column for name, column in columns.items() if column is not None})
    parquet.write_table(content, tmp_path / "lines")

    with pytest.raises(DatasetError, match=words), open_reader(tmp_path / "lines") as reader:
        reader.images(0, COUNT)
        reader.labels(0, COUNT)


def test_a_description_that_is_nonsense_is_refused(tmp_path):
    content = table().replace_schema_metadata({b"number_generator": b'{"shape": [7, 5, 6], "fields": []}'})
    parquet.write_table(content, tmp_path / "lines")

    with pytest.raises(DatasetError, match="fields are"):
        open_reader(tmp_path / "lines")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    folder = write(tmp_path / "set", "parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)

    with pytest.raises(MissingExtraError, match=r"needs the package pyarrow.*'\.\[parquet\]"):
        open_reader(folder)
