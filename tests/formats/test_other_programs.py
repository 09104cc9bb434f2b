"""What sound files of other programs hold that is not taken: each is refused for what it is, never as damaged."""

import io
import tarfile

import h5py
import numpy as np
import pytest
from PIL import Image
from small_dataset import IMAGES, need

from number_generator.errors import DatasetError
from number_generator.formats.reader import open_reader


def encoded(kind):
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(file, kind)
    return file.getvalue()


def write_hdf5(path, **content):
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            file[name] = value
    return path


def write_tar(path, **members):
    with tarfile.open(path, "w") as archive:
        for ending, content in members.items():
            member = tarfile.TarInfo(f"a.{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_lmdb(path, **changes):
    need("lmdb")
    import lmdb  # noqa: PLC0415 - an optional package

    entries = {"num-samples": b"1", "image-000000001": encoded("PNG"), "label-000000001": b"1", **changes}
    with lmdb.open(str(path), map_size=1 << 20) as environment, environment.begin(write=True) as transaction:
        for key, value in entries.items():
            if value is not None:
                transaction.put(key.encode(), value)
    return path


def write_idx(path, images, kind):
    sizes = b"".join(size.to_bytes(4, "big") for size in images.shape)
    path.write_bytes(bytes((0, 0, kind, images.ndim)) + sizes + images.tobytes())
    return path


LATIN = "\u00e9".encode("latin-1")

REFUSED = {
    "HDF5, Latin-1": (lambda path: write_hdf5(path, images=IMAGES[:1], labels=np.array([LATIN])), "not text in UTF-8"),
    "HDF5, a group": (lambda path: write_hdf5(path, train=[1]), r"no `images` \(it has 'train'\)"),
    "HDF5, nothing": (write_hdf5, r"no `images` \(it has nothing\)"),
    "tar, WebP": (lambda path: write_tar(path, webp=b"RIFF", txt=b"1"), r"no image .* but a \.webp, which is not read"),
    "tar, other": (lambda path: write_tar(path, pyd=b"1", png=encoded("PNG")), r"no label .* but a \.pyd, which is"),
    "LMDB, no count": (lambda path: write_lmdb(path, **{"num-samples": None}), "it has no `num-samples`"),
    "LMDB, BMP": (lambda path: write_lmdb(path, **{"image-000000001": encoded("BMP")}), "not a PNG or JPEG image"),
    "LMDB, Latin-1": (lambda path: write_lmdb(path, **{"label-000000001": LATIN}), "not text in UTF-8"),
    "IDX, decimals": (lambda path: write_idx(path, np.zeros((1, 4, 4), ">f4"), 0x0D), "IDX file of float32 in 3 dim"),
    "IDX, colours": (
        lambda path: write_idx(path, np.zeros((1, 4, 4, 3), np.uint8), 0x08),
        "IDX file of uint8 in 4",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_sound_file_is_refused_for_what_it_is(tmp_path, case):
    make, words = REFUSED[case]
    path = make(tmp_path / "train-images-idx3-ubyte")

    with pytest.raises(DatasetError, match=words) as caught, open_reader(path) as reader:
        reader.labels(0, len(reader))

    assert "damaged" not in str(caught.value)


def test_words_beside_an_lmdb_are_kept_as_text(tmp_path):
    with open_reader(write_lmdb(tmp_path / "lines", metadata=b"made by me")) as reader:
        assert reader.metadata == {"text": "made by me"}


def test_an_attribute_in_another_encoding_does_not_spoil_an_hdf5_file(tmp_path):
    path = write_hdf5(tmp_path / "a.h5", images=IMAGES[:1], labels=[1])
    with h5py.File(path, "r+") as file:
        file.attrs["author"] = np.bytes_(b"Jos" + LATIN)

    with open_reader(path) as reader:
        assert reader.metadata == {"author": "Jos\ufffd"}
