"""What is checked before HDF5 reads a file: virtual datasets, heaps of strings, lengths that are claimed, chunks."""

import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from plain_hdf5 import COUNT, IMAGES, LABELS, write

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.hdf5.safety import (
    check_attributes,
    find_dataset,
    find_longest_string_in_chunks,
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


@pytest.mark.parametrize("offset", [24, 25, 31])
def test_a_damaged_heap_of_strings_does_not_hang(tmp_path, offset):
    path = write(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    content[content.index(b"GCOL") + offset] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="variable length"):
        load_arrays(path)


LONG = "a text of a length that no other text has, so that its reference can be found"


def lie_about_its_length(path):
    """Let all references to the long text claim that it takes 3 GiB; HDF5 would clear so much memory."""
    content = path.read_bytes()
    heaps = [at for at in range(len(content)) if content.startswith(b"GCOL", at)]
    told = [struct.pack("<IQ", len(LONG), heap) for heap in heaps]
    assert any(reference in content for reference in told)
    for reference in told:
        content = content.replace(reference, struct.pack("<I", 3 << 30) + reference[4:])
    path.write_bytes(content)


def write_texts(path, others, libver="earliest"):
    with h5py.File(path, "w", libver=libver) as file:
        file["images"], file["labels"] = IMAGES, np.array(LABELS, "S")
        file["boxes"] = np.zeros((COUNT, 2, 4), np.int16)
        for found in (file, file["boxes"]):
            found.attrs.update({f"other {number}": "text" for number in range(others)})
            found.attrs["about"] = LONG


def test_an_attribute_that_claims_a_longer_text_than_the_file_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    write_texts(path, 20)
    with Hdf5Reader(path) as reader:
        assert reader.metadata["about"] == reader.fields[0].about["about"] == LONG
    lie_about_its_length(path)

    with Hdf5Reader(path) as reader:
        with pytest.raises(DatasetError, match="its attribute 'about' claims to be longer than the file"):
            _ = reader.metadata
        with pytest.raises(DatasetError, match="its attribute 'about' claims to be longer than the file"):
            _ = reader.fields


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("others", [0, 20], ids=["one", "many"])
def test_attributes_of_every_version_are_found(tmp_path, libver, others):
    path = tmp_path / "a.h5"
    write_texts(path, others, libver)
    check_attributes(path, {"about": 1, "other 1": 1}, 1 << 20)
    lie_about_its_length(path)

    with pytest.raises(MalformedError, match="its attribute 'about' claims to be longer than the file"):
        check_attributes(path, {"about": 1}, 1 << 20)


@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (8,)}, {"chunks": (8,), "shuffle": True}, {"chunks": (8,), "compression": "gzip"}],
    ids=["whole", "chunks", "shuffle", "gzip"],
)
def test_a_label_that_claims_to_be_far_too_long_is_refused(tmp_path, options):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["images"] = IMAGES
        file.create_dataset("labels", data=[*LABELS[:-1], LONG], **options)
    assert load_arrays(path).labels[-1] == LONG
    if "compression" in options:
        with h5py.File(path, "r+") as file:
            _, data = file["labels"].id.read_direct_chunk((48,))
            lying = zlib.decompress(data).replace(struct.pack("<I", len(LONG)), struct.pack("<I", 3 << 30))
            file["labels"].id.write_direct_chunk((48,), zlib.compress(lying))
    else:
        lie_about_its_length(path)

    with pytest.raises(DatasetError, match="it has a label of 3221225472 bytes"):
        load_arrays(path)


PACKED = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "lzf": {"compression": "lzf"},
    "shuffle": {"compression": "gzip", "shuffle": True},
}


@pytest.mark.parametrize("options", PACKED.values(), ids=PACKED)
def test_the_lengths_of_labels_are_seen_in_chunks_of_every_packing(tmp_path, options):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        labels = file.create_dataset("labels", data=[*LABELS, LONG] * 9, chunks=(70,), **options)
        file.flush()

        assert find_longest_string_in_chunks(path, labels) == len(LONG)


@pytest.mark.parametrize(("compression", "chunk"), [("lzf", b"\x03abcd"), ("gzip", zlib.compress(b"abcd"))])
def test_a_chunk_that_is_shorter_than_its_labels_is_refused(tmp_path, compression, chunk):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["images"] = IMAGES
        labels = file.create_dataset("labels", data=LABELS, chunks=(8,), compression=compression)
        labels.id.write_direct_chunk((8,), chunk)

    with pytest.raises(DatasetError, match="it has a chunk that holds fewer bytes than its labels take"):
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
