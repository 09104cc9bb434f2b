"""What is checked before HDF5 reads a file: virtual datasets, links and chunks."""

import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from plain_hdf5 import IMAGES, LABELS, write

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.safety import (
    find_dataset,
    find_object,
    is_virtual,
)
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import load_arrays


def virtual():
    layout = h5py.VirtualLayout((3,), np.uint8)
    layout[:] = h5py.VirtualSource("other.h5", "images", (3,))
    return layout


def tell(path):
    """Tell of each object in a file whether its header says that it is a virtual dataset."""
    with h5py.File(path) as file:
        places = {name: file.id.links.get_info(name.encode()).u for name in file}
        return {name: is_virtual(path, place, file.userblock_size) for name, place in places.items()}


@pytest.mark.parametrize("version", ["earliest", "v110", "latest"])
@pytest.mark.parametrize("userblock_size", [0, 512])
@pytest.mark.parametrize("attributes", [0, 60])
@pytest.mark.parametrize("track_order", [False, True])
def test_headers_of_every_form_tell_virtual_datasets(tmp_path, version, userblock_size, attributes, track_order):
    options = {"libver": (version, "latest"), "userblock_size": userblock_size, "track_order": track_order}
    with h5py.File(tmp_path / "a.h5", "w", **options) as file:
        file.create_virtual_dataset("virtual", virtual())
        file.create_dataset("chunks", (30, 4), np.uint8, chunks=(3, 4), compression="gzip")
        file["plain"], file["text"] = np.arange(5), "text"
        file.create_group("group", track_order=track_order)
        for number in range(attributes):  # so many that they need more than one block
            for name in file:
                file[name].attrs[f"attribute {number}"] = "x" * 50

    assert tell(tmp_path / "a.h5") == {
        "chunks": False, "group": False, "plain": False, "text": False, "virtual": True,
    }  # fmt: skip


def test_a_virtual_dataset_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("images", virtual())
    monkeypatch.setattr(h5py.h5o, "open", None)

    with h5py.File(tmp_path / "a.h5") as file:
        for opening in (find_object, find_dataset):
            with pytest.raises(MalformedError, match="the data of its `images` lie in other files"):
                opening(file, "images")


def test_a_virtual_dataset_whose_sources_are_damaged_crashes_nothing(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("images", virtual())
        file["labels"] = [b"1", b"2", b"3"]
    content = path.read_bytes()
    start = content.index(b"other.h5\0images\0")

    for offset in range(16, 60):
        path.write_bytes(content[: start + offset] + b"\x99" + content[start + offset + 1 :])
        with pytest.raises(DatasetError, match="lie in other files"):
            load_arrays(path)


def test_a_link_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["soft"], file["external"] = h5py.SoftLink("/a"), h5py.ExternalLink("other.h5", "/a")

        assert [find_object(file, name) for name in ("soft", "external", "nothing")] == [None, None, None]


def header(*messages, size=None):
    body = b"".join(
        kind.to_bytes(2, "little") + len(data).to_bytes(2, "little") + bytes(4) + data for kind, data in messages
    )
    return b"\1\0\1\0\1\0\0\0" + (len(body) if size is None else size).to_bytes(4, "little") + bytes(4) + body


@pytest.mark.parametrize(
    "content",
    [
        header((16, (16).to_bytes(8, "little") + (24).to_bytes(8, "little"))),
        header(size=2**31),
        header((16, (2**64 - 1).to_bytes(8, "little") + (24).to_bytes(8, "little"))),
    ],
    ids=["a circle", "a large block", "a block beyond the end"],
)
def test_a_header_without_end_is_refused(tmp_path, content):
    Path(tmp_path / "a.h5").write_bytes(content)

    with pytest.raises(MalformedError, match="it has an object whose header"):
        is_virtual(tmp_path / "a.h5", 0, 0)


@pytest.mark.parametrize(("compression", "chunk"), [("lzf", b"\x03abcd"), ("gzip", zlib.compress(b"abcd"))])
def test_a_chunk_that_is_shorter_than_its_labels_is_refused(tmp_path, compression, chunk):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["images"] = IMAGES
        labels = file.create_dataset("labels", data=LABELS, chunks=(8,), compression=compression)
        labels.id.write_direct_chunk((8,), chunk)

    with pytest.raises(DatasetError, match="it has a chunk that holds more or fewer bytes"):
        load_arrays(path)


def test_a_chunk_that_is_shorter_than_its_checksum_does_not_crash(tmp_path):
    path = write(tmp_path / "a.h5", chunks=(8, 3, 4), fletcher32=True)
    with h5py.File(path, "r+") as file:
        file["images"].id.write_direct_chunk((16, 0, 0), b"abc")

    with pytest.raises(DatasetError, match="its `images` has a chunk that is shorter than its checksum"):
        load_arrays(path)


def test_checksums_beneath_the_compression_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((8, 3, 4))
    settings.set_fletcher32()
    settings.set_deflate(1)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple(IMAGES.shape)
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, settings)
        file["images"][:], file["labels"] = IMAGES, LABELS

    with pytest.raises(DatasetError, match="its `images` has checksums beneath its compression"):
        load_arrays(path)
