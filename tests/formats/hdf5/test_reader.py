"""HDF5 datasets: read in slices, in any process, and refused in words when something is wrong."""

import os
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest
from plain_hdf5 import COUNT, IMAGES, LABELS, write

from number_generator import convert
from number_generator.errors import DatasetError, DatasetIndexError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "lines.h5")


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array(LABELS, "S"),
        np.array(LABELS, h5py.string_dtype("utf-8", 4)),
        np.arange(COUNT),
        np.arange(COUNT, dtype=">u2"),
    ],
    ids=["variable", "ascii", "utf-8", "int", "big-endian"],
)
@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (8, 3, 4)}, {"chunks": (8, 3, 4), "compression": "gzip", "shuffle": True, "fletcher32": True}],
    ids=["whole", "chunks", "gzip"],
)
def test_every_kind_of_labels_and_storage_loads(tmp_path, labels, options):
    dataset = load_arrays(write(tmp_path / "a.h5", labels=labels, **options))

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert dataset.labels == LABELS
    assert dataset.images.flags.owndata
    assert dataset.images.flags.writeable


def test_labels_in_chunks_of_variable_strings_load(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = IMAGES
        file.create_dataset("labels", data=LABELS, chunks=(8,), compression="gzip")

    assert load_arrays(tmp_path / "a.h5").labels == LABELS


def test_a_reader_tells_its_shape_and_chunks(tmp_path):
    with Hdf5Reader(write(tmp_path / "a.h5", chunks=(8, 3, 4))) as reader:
        assert len(reader) == COUNT
        assert reader.shape == (COUNT, 3, 4)
        assert reader.chunk_length == 8


def test_without_chunks_each_image_stands_alone(path):
    with Hdf5Reader(str(path)) as reader:
        assert reader.chunk_length == 1


@pytest.mark.parametrize(("start", "stop", "step"), [(0, COUNT, 1), (3, 20, 4), (7, 7, 1), (COUNT, COUNT, 2)])
def test_a_slice_equals_that_of_the_whole(path, start, stop, step):
    with Hdf5Reader(path) as reader:
        images, labels = reader.images(start, stop, step), reader.labels(start, stop, step)

    np.testing.assert_array_equal(images, IMAGES[start:stop:step])
    assert labels == LABELS[start:stop:step]


@pytest.mark.parametrize("options", [{}, {"chunks": (8, 3, 4), "compression": "gzip"}], ids=["whole", "gzip"])
def test_one_image_belongs_to_the_caller(tmp_path, options):
    with Hdf5Reader(write(tmp_path / "a.h5", **options)) as reader:
        image = reader.image(np.int64(4))
        np.testing.assert_array_equal(image, IMAGES[4])
        image[:] = 7

        np.testing.assert_array_equal(reader.image(4), IMAGES[4])
        np.testing.assert_array_equal(reader.images(3, 6), IMAGES[3:6])
    assert image.flags.writeable
    assert image.flags.c_contiguous
    assert (image if image.base is None else image.base).nbytes == image.nbytes


def test_attributes_become_plain_values(tmp_path):
    attributes = {
        "spacing_range": (5, 10),
        "width": np.int32(100),
        "scale": 0.5,
        "is_inverted": True,
        "name": "é",
        "kind": np.bytes_(b"phone"),
        "many": ["a", "b"],
        "nothing": h5py.Empty("f"),
    }

    with Hdf5Reader(write(tmp_path / "a.h5", attributes=attributes)) as reader:
        metadata = reader.metadata

    assert metadata == {**attributes, "width": 100, "kind": "phone", "nothing": None}
    assert type(metadata["spacing_range"]) is tuple
    assert {type(metadata[name]) for name in ("width", "scale", "is_inverted")} == {int, float, bool}


def test_attributes_of_other_types_are_left_out(tmp_path):
    attributes = {"pair": np.zeros((), [("a", "i4")]), "kept": 1}

    with Hdf5Reader(write(tmp_path / "a.h5", attributes=attributes)) as reader:
        assert reader.metadata == {"kept": 1}


@pytest.mark.parametrize("number", [-1, COUNT, 2**80])
def test_an_image_that_does_not_exist_is_refused(path, number):
    with Hdf5Reader(path) as reader, pytest.raises(DatasetIndexError, match="it has 50"):
        reader.image(number)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 2), (0, COUNT + 1)])
def test_a_range_that_leaves_the_dataset_is_refused(path, start, stop):
    with Hdf5Reader(path) as reader, pytest.raises(DatasetIndexError, match="it has 50 images"):
        reader.images(start, stop)


@pytest.mark.parametrize(
    "arguments", [("0", 1), (0, 1.5), (0, None), (0, 1, 0), (0, 1, -1)], ids=["text", "float", "none", "0", "-1"]
)
def test_a_range_that_is_none_is_refused(path, arguments):
    with Hdf5Reader(path) as reader, pytest.raises(SpecError):
        reader.labels(*arguments)


def test_a_closed_reader_says_so(path):
    reader = Hdf5Reader(path)
    reader.close()
    reader.close()

    with pytest.raises(SpecError, match="closed"):
        reader.image(0)


def test_a_reader_can_be_pickled(path):
    with Hdf5Reader(path) as reader, pickle.loads(pickle.dumps(reader)) as copy:
        np.testing.assert_array_equal(copy.image(3), IMAGES[3])
        assert copy.shape == reader.shape
        assert repr(copy) == repr(reader)


def test_a_reader_of_a_file_that_changed_meanwhile_is_refused(path):
    with Hdf5Reader(path) as reader:
        pickled = pickle.dumps(reader)
    write(path, IMAGES[:3], LABELS[:3])

    with pickle.loads(pickled) as copy, pytest.raises(DatasetError, match="changed"):
        copy.image(0)


def test_a_reader_survives_a_fork(path):
    code = f"""
import os
from number_generator.formats.hdf5.reader import Hdf5Reader
reader = Hdf5Reader({str(path)!r})
before = reader.image(5).tolist()
child = os.fork()
if child == 0:
    os._exit(0 if reader.image(5).tolist() == before else 3)
same = reader.image(5).tolist() == before
print(os.waitpid(child, 0)[1], same)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert result.stdout == "0 True\n"


def test_a_read_only_file_in_a_read_only_folder_opens(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = write(folder / "a.h5")
    path.chmod(0o444)
    folder.chmod(0o555)

    with Hdf5Reader(path) as reader:
        image = reader.image(0)
    folder.chmod(0o755)

    np.testing.assert_array_equal(image, IMAGES[0])


def test_a_file_that_is_being_written_is_refused(path):
    code = f"import h5py; file = h5py.File({str(path)!r}, 'r+'); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()

        with pytest.raises(DatasetReadError, match="another program is writing"):
            Hdf5Reader(path)

        writer.communicate(b"\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"none\.h5"):
        Hdf5Reader(tmp_path / "none.h5")


def no_images(file):
    del file["images"]


def group_as_images(file):
    del file["images"]
    file.create_group("images")


def group_as_labels(file):
    del file["labels"]
    file.create_group("labels")


def soft_link(file):
    del file["images"]
    file["images"] = h5py.SoftLink("/nowhere")


def external_link(file):
    del file["labels"]
    file["labels"] = h5py.ExternalLink("other.h5", "/labels")


def virtual(file):
    del file["images"]
    layout = h5py.VirtualLayout((COUNT, 3, 4), np.uint8)
    layout[:] = h5py.VirtualSource("other.h5", "images", (COUNT, 3, 4))
    file.create_virtual_dataset("images", layout)


def raw_file(file):
    del file["images"]
    file.create_dataset("images", (COUNT, 3, 4), np.uint8, external=[("/dev/zero", 0, 600)])


def replace(name, **options):
    def change(file):
        del file[name]
        file.create_dataset(name, **options)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_images, "no `images`"),
        (group_as_images, "a Group, not a dataset"),
        (group_as_labels, "a Group, not a dataset"),
        (soft_link, "a SoftLink, not a dataset"),
        (external_link, "an? ExternalLink, not a dataset"),
        (virtual, "other files"),
        (raw_file, "other files"),
        (replace("images", data=IMAGES[0]), r"shape \(3, 4\)"),
        (replace("images", data=IMAGES.astype(np.int8)), "int8"),
        (replace("images", data=h5py.Empty(np.uint8)), "shape None"),
        (replace("images", data=IMAGES[:, :0]), "0 px high"),
        (replace("images", data=IMAGES[1:]), "49 images but 50 labels"),
        (replace("images", data=IMAGES, chunks=(8, 3, 4), scaleoffset=0), "HDF5 filter 6"),
        (replace("images", shape=(COUNT, 1, 1), maxshape=(None, 1, 1), dtype="u1", chunks=(10**9, 1, 1)), "chunks of"),
        (replace("labels", data=np.zeros(COUNT)), "float64"),
        (replace("labels", data=np.zeros((COUNT, 1), int)), r"shape \(50, 1\)"),
        (replace("labels", data=np.zeros(COUNT, bool)), "bool"),
        (replace("labels", data=np.zeros(COUNT, [("a", "i4")])), "not one row"),
        (replace("labels", shape=COUNT, dtype=h5py.ref_dtype), "not one row"),
        (replace("labels", shape=COUNT, dtype=h5py.vlen_dtype(int)), "not one row"),
        (replace("labels", shape=COUNT, dtype="S100000"), "100000 bytes long"),
        (replace("labels", data=["x" * 70_000] * COUNT), "label of 70000 bytes"),
        (replace("labels", data=["x" * 70_000] * COUNT, chunks=(10,)), "label of 70000 bytes"),
        (replace("labels", data=[b"\xff"] * COUNT), "not text in UTF-8"),
    ],
)
def test_a_file_of_something_else_is_refused_in_words(path, change, words):
    with h5py.File(path, "r+") as file:
        change(file)

    with pytest.raises(DatasetError, match=words) as caught:
        load_arrays(path)

    assert "lines.h5" in str(caught.value)
    assert "A valid HDF5 dataset holds `images`" in str(caught.value)


def test_a_shape_that_nothing_is_stored_for_is_refused(path):
    with h5py.File(path, "r+") as file:
        del file["images"], file["labels"]
        file.create_dataset("images", (10**9, 100, 100), np.uint8, chunks=(10, 100, 100))
        file.create_dataset("labels", (10**9,), np.int64, chunks=(10,))

    with pytest.raises(DatasetError, match="more than the file can hold"):
        load_arrays(path)


def test_a_file_cut_short_is_refused(path):
    content = path.read_bytes()

    for length in range(8, len(content), 101):
        path.write_bytes(content[:length])
        with pytest.raises(DatasetError):
            load_arrays(path)


def test_damaged_pixels_are_noticed_where_the_file_has_checksums(tmp_path):
    path = write(tmp_path / "a.h5", chunks=(COUNT, 3, 4), fletcher32=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(IMAGES.tobytes(), bytes([IMAGES[0, 0, 0] ^ 1]) + IMAGES.tobytes()[1:]))

    with Hdf5Reader(path) as reader, pytest.raises(DatasetError):
        reader.image(0)


def test_truth_is_given_in_the_byte_order_of_the_machine(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["boxes"] = np.arange(COUNT * 8).reshape(COUNT, 2, 4).astype(">i2")

    with Hdf5Reader(path) as reader:
        boxes = reader.truth("boxes", 0, COUNT)
        assert (boxes.dtype, reader.fields[0].dtype) == (np.int16, "int16")
        np.testing.assert_array_equal(boxes, np.arange(COUNT * 8).reshape(COUNT, 2, 4))


def test_a_file_that_is_being_written_in_the_mode_swmr_is_not_called_damaged(path):
    code = """
import sys, h5py
with h5py.File(sys.argv[1], "w", libver="latest") as file:
    file["images"], file["labels"] = [[[0]]], [1]
    file.swmr_mode = True
    print(flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()

        with pytest.raises(DatasetReadError, match=r"this file is being written.*wait until it is done"):
            Hdf5Reader(path)

        writer.stdin.close()


def test_attributes_in_another_encoding_are_text_that_can_be_written_again(tmp_path):
    latin, text = b"caf\xe9", h5py.string_dtype("utf-8")
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file.attrs.create("long", latin, dtype=text)
        file.attrs.create("short", latin, dtype=h5py.string_dtype("utf-8", 4))
        file.attrs.create("list", [latin, "caf\xe9"], dtype=text)

    convert(path, tmp_path / "b.h5")

    with Hdf5Reader(tmp_path / "b.h5") as reader:
        found = reader.metadata
    assert (found["long"], found["short"], found["list"]) == ("caf\ufffd", "caf\ufffd", ["caf\ufffd", "caf\xe9"])
