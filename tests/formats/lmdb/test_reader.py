"""LMDB, as other programs write it and as a hostile hand does."""

import io

import numpy as np
import pytest
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, assert_whole, write

from number_generator.errors import DatasetError
from number_generator.formats import paths
from number_generator.formats.detection import detect_format
from number_generator.formats.lmdb.btree import LmdbTree
from number_generator.formats.reader import open_reader

lmdb = pytest.importorskip("lmdb")


def png(image, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def entries(images=IMAGES, labels=LABELS):
    """What PARSeq's create_lmdb_dataset.py puts in."""
    found = {b"num-samples": str(len(images)).encode()}
    for number, (image, label) in enumerate(zip(images, labels, strict=True), 1):
        found[b"image-%09d" % number] = png(image)
        found[b"label-%09d" % number] = label.encode()
    return found


def make(folder, content, **options):
    with (
        lmdb.open(str(folder), map_size=1 << 24, **options) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in content.items():
            transaction.put(key, value)
    return folder


def test_a_database_of_another_program_is_read(tmp_path):
    folder = make(tmp_path / "lines", entries())

    assert detect_format(folder) == "lmdb"
    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS
        assert reader.metadata == {}
        assert reader.truth_names == ()


def test_what_was_read_leaves_the_memory_and_can_be_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "HELD_BYTES", 100)
    folder = make(tmp_path / "lines", entries())

    with open_reader(folder) as reader:
        for _ in range(2):
            np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
            assert reader.labels(0, COUNT) == LABELS


def test_labels_may_be_any_text(tmp_path):
    folder = make(tmp_path / "lines", entries(IMAGES[:2], ["１２", "né"]))

    with open_reader(folder) as reader:
        assert reader.labels(0, 2) == ["１２", "né"]


def test_an_entry_of_another_program_under_the_key_of_ours_is_no_hindrance(tmp_path):
    for text in (b"", b"not JSON", b"[1]", b'{"shape": 3, "fields": {}}', b'{"made": "elsewhere"}'):
        folder = make(tmp_path / f"lines{len(text)}", {**entries(), b"metadata": text})

        with open_reader(folder) as reader:
            np.testing.assert_array_equal(reader.image(1), IMAGES[1])


def test_a_single_file_is_read(tmp_path):
    make(tmp_path / "lines.mdb", entries(), subdir=False)

    with open_reader(tmp_path / "lines.mdb") as reader:
        assert reader.labels(0, COUNT) == LABELS


@pytest.mark.parametrize("seed", range(3))
def test_the_tree_gives_what_the_library_gives(tmp_path, seed):
    random = np.random.default_rng(seed)
    content = {
        random.bytes(int(random.integers(1, 80))): random.bytes(int(random.integers(0, 6000))) for _ in range(600)
    }
    folder = make(tmp_path / "tree", content)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for key in list(content)[::3]:
            transaction.delete(key)
            del content[key]

    tree = LmdbTree(folder / "data.mdb")

    assert len(tree) == len(content)
    assert list(tree.items(b"")) == sorted(content.items())
    assert all(tree.get(key) == value for key, value in content.items())
    for _ in range(200):
        key = random.bytes(2)
        expected = min((other for other in content if other >= key), default=None)
        assert next((found for found, _ in tree.items(key)), None) == expected
    tree.close()


def test_the_last_transaction_counts(tmp_path):
    folder = make(tmp_path / "lines", entries(IMAGES[:3], LABELS[:3]))
    make(folder, entries(IMAGES[::-1], LABELS[::-1]))

    with open_reader(folder) as reader:
        assert reader.labels(0, COUNT) == LABELS[::-1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({b"num-samples": b"8"}, "claims 8 images and has 15 entries"),
        ({b"num-samples": b"999999999999999999"}, "claims 999999999999999999 images"),
        ({b"num-samples": b"9" * 30}, "not a number"),
        ({b"num-samples": b"-1"}, "not a number"),
        ({b"num-samples": None}, "it has no `num-samples`"),
        ({b"image-000000001": None}, "no `image-000000001`"),
        ({b"image-000000003": None, b"more": b""}, "no `image-000000003`"),
        ({b"label-000000007": None, b"more": b""}, "no `label-000000007`"),
        ({b"label-000000002": b"\xff\xfe"}, "label-000000002 is not text in UTF-8"),
        ({b"label-000000002": b"1" * 70_000}, "label of label-000000002 takes 70000 bytes"),
        ({b"image-000000004": b"hello"}, "image-000000004 is not a PNG or JPEG image"),
        ({b"image-000000005": png(IMAGES[0])[:-30]}, "image-000000005 cannot be decoded"),
    ],
)
def test_a_database_of_something_else_is_refused_in_words(tmp_path, changes, words):
    content = {key: value for key, value in {**entries(), **changes}.items() if value is not None}
    folder = make(tmp_path / "lines", content)

    with pytest.raises(DatasetError, match=words) as caught, open_reader(folder) as reader:
        reader.images(0, len(reader))
        reader.labels(0, len(reader))

    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("text", ["null", "3", "[]", "{}", '{"boxes": [[1]]}', '{"boxes": "x"}', "[" * 100_000])
def test_ground_truth_that_is_nonsense_is_refused(tmp_path, text):
    folder = write(tmp_path / "lines", "lmdb")
    make(folder, {b"truth-000000003": text.encode()})

    with open_reader(folder) as reader, pytest.raises(DatasetError):
        reader.truth("boxes", 0, COUNT)


def test_values_too_large_for_a_page_are_read(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (80, 120), np.uint8)
    folder = make(tmp_path / "lines", entries(image[None], ["1"]))

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.image(0), image)


def test_several_values_for_a_key_are_refused(tmp_path):
    with lmdb.open(str(tmp_path / "lines"), map_size=1 << 20, max_dbs=2) as environment:
        table = environment.open_db(b"num-samples")
        with environment.begin(write=True, db=table) as transaction:
            transaction.put(b"a", b"b")

    with pytest.raises(DatasetError, match="tables"):
        open_reader(tmp_path / "lines")


def test_a_tree_that_leads_in_a_circle_ends(tmp_path):
    folder = make(tmp_path / "tree", {b"%04d" % number: bytes(500) for number in range(200)})
    path = folder / "data.mdb"
    content = bytearray(path.read_bytes())
    root = max(range(2, len(content) // 4096), key=lambda page: content[page * 4096 + 10] == 1)
    count = int.from_bytes(content[root * 4096 + 12 : root * 4096 + 14], "little") // 2 - 8
    for entry in range(count):
        at = root * 4096 + int.from_bytes(content[root * 4096 + 16 + 2 * entry :][:2], "little")
        content[at : at + 6] = root.to_bytes(6, "little")
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="deeper"):
        open_reader(folder)


def test_reading_needs_no_library_and_leaves_no_lock_file(tmp_path, monkeypatch):
    folder = write(tmp_path / "lines", "lmdb")
    monkeypatch.setitem(__import__("sys").modules, "lmdb", None)

    with open_reader(folder) as reader:
        assert_whole(reader)

    assert [entry.name for entry in folder.iterdir()] == ["data.mdb"]


@pytest.mark.parametrize("images", [2, 300])
def test_a_dataset_that_is_appended_to_while_it_is_open_is_not_called_damaged(tmp_path, images):
    path = write(tmp_path / "lines", "lmdb")
    with open_reader(path) as reader, lmdb.open(str(path), map_size=1 << 24) as environment:
        np.testing.assert_array_equal(reader.image(1), IMAGES[1])
        with environment.begin(write=True) as transaction:
            for number in range(COUNT + 1, COUNT + 1 + images):
                transaction.put(b"image-%09d" % number, transaction.get(b"image-000000001"))
                transaction.put(b"label-%09d" % number, b"1")

        for read in (reader.images, reader.labels):
            with pytest.raises(DatasetError, match="has changed it since it was opened; open it again"):
                read(0, COUNT)
