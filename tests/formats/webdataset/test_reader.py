"""Shards of WebDataset, as other programs write them and as a hostile hand does."""

import io
import json
import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, TRUTH, write

from number_generator.errors import DatasetError
from number_generator.formats.detection import detect_format
from number_generator.formats.reader import open_reader
from number_generator.formats.webdataset.writer import WebDatasetWriter
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def members(start=0, stop=COUNT):
    """What a shard of another program holds: name and content of each file."""
    return [
        member
        for number in range(start, stop)
        for member in ((f"set/{number}.png", png(IMAGES[number])), (f"set/{number}.txt", LABELS[number].encode()))
    ]


def make(path, content, *, tar_format=tarfile.PAX_FORMAT, **settings):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w", format=tar_format) as archive:
        for name, data in content:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in settings.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("settings", [{}, {"mtime": 12.5, "uname": "somebody"}], ids=["plain", "dated"])
def test_shards_of_another_program_are_read(tmp_path, tar_format, settings):
    make(tmp_path / "set" / "lines-000000.tar", members(0, 4), tar_format=tar_format, **settings)
    make(tmp_path / "set" / "lines-000001.tar", members(4), tar_format=tar_format, **settings)

    assert detect_format(tmp_path / "set") == "webdataset"
    with open_reader(tmp_path / "set") as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS
        assert reader.metadata == {}
        assert reader.truth_names == ()


def test_what_the_library_writes_is_read(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    with webdataset.TarWriter(str(tmp_path / "lines-000000.tar")) as writer:
        for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            writer.write({"__key__": f"sample{number}", "png": Image.fromarray(image), "txt": label})

    with open_reader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == LABELS


def test_names_may_be_long(tmp_path):
    content = [(f"{'folder/' * 30}{name}", data) for name, data in members()]

    with open_reader(make(tmp_path / "a.tar", content)) as reader:
        assert reader.labels(0, COUNT) == LABELS


def test_other_files_of_a_sample_are_passed_by(tmp_path):
    content = [(f"{name[:-4]}.cls", b"3") for name, _ in members()[:1]] + members()
    content.insert(0, ("README", b"about"))

    with open_reader(make(tmp_path / "a.tar", content)) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


@pytest.mark.parametrize("shard_images", [1, 2, 3, 6, 7, 8])
def test_images_are_found_in_whichever_shard_they_are(tmp_path, shard_images):
    with WebDatasetWriter(
        tmp_path / "set", DatasetHeader(IMAGES.shape, 3, {}), overwrite=False, shard_images=shard_images
    ) as writer:
        writer.write(writer.encode(Chunk(Span(0, COUNT), IMAGES, np.array(LABELS, "S3"))))
        writer.commit()

    with open_reader(tmp_path / "set") as reader:
        for number in (6, 0, 5, 1, 4, 2, 3):
            np.testing.assert_array_equal(reader.image(number), IMAGES[number])
        assert reader.labels(0, COUNT) == LABELS


def test_names_that_lead_elsewhere_are_names_alone(tmp_path):
    content = [(name.replace("set/", "../../"), data) for name, data in members()]

    with open_reader(make(tmp_path / "set" / "a.tar", content)) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)

    assert [entry.name for entry in tmp_path.rglob("*")] == ["set", "a.tar"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_are_not_followed(tmp_path, kind):
    (tmp_path / "secret.png").write_bytes(png(IMAGES[0]))
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = kind, str(tmp_path / "secret.png")
        archive.addfile(link)
        text = tarfile.TarInfo("a.txt")
        text.size = 1
        archive.addfile(text, io.BytesIO(b"1"))

    with pytest.raises(DatasetError, match=r"sample 'a' of its a\.tar has no image"):
        open_reader(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([("a.png", png(IMAGES[0]))], "sample 'a' of its a.tar has no label"),
        ([("a.txt", b"1")], "sample 'a' of its a.tar has no image"),
        ([("a.png", b""), ("a.png", b""), ("a.txt", b"1")], "two files for 'a.png'"),
        ([("a.png", b""), ("a.jpg", b""), ("a.txt", b"1")], "two files for 'a.jpg'"),
        ([("a.png", b"hello"), ("a.txt", b"1")], "not a PNG or JPEG image"),
        ([*members(), ("b.png", png(IMAGES[0])), ("b.txt", b"\xff")], "label of 8 of a.tar is not text"),
        ([*members(), ("b.png", png(IMAGES[0])), ("b.txt", b"1" * 70_000)], "takes 70000 bytes"),
        ([("README", b"about")], "it has no image"),
    ],
)
def test_a_shard_of_something_else_is_refused_in_words(tmp_path, content, words):
    path = make(tmp_path / "a.tar", content)

    with pytest.raises(DatasetError, match=words), open_reader(path) as reader:
        reader.images(0, len(reader))
        reader.labels(0, len(reader))


def test_shards_of_several_parts_are_told_apart(tmp_path):
    make(tmp_path / "set" / "train-000000.tar", members(0, 4))
    make(tmp_path / "set" / "test-000000.tar", members(4))

    with pytest.raises(DatasetError, match=r"several parts \('test', 'train'\)"):
        open_reader(tmp_path / "set")


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("kept", [100, 600, 1024 + 512 + 3, 4000])
def test_a_shard_that_is_cut_short_is_refused(tmp_path, tar_format, kept):
    path = make(tmp_path / "a.tar", members(), tar_format=tar_format, mtime=1.5 if tar_format else 0)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(DatasetError), open_reader(path) as reader:
        reader.images(0, len(reader))


def test_a_member_that_claims_more_than_there_is_is_refused(tmp_path):
    path = make(tmp_path / "a.tar", members(0, 1), tar_format=tarfile.USTAR_FORMAT)
    content = bytearray(path.read_bytes())
    content[124:135] = b"77777777777"
    content[148:156] = b" " * 8
    content[148:155] = b"%06o\0" % sum(content[:512])
    path.write_bytes(content)

    with pytest.raises(DatasetError):
        open_reader(path)


def test_a_missing_shard_is_noticed(tmp_path):
    header = DatasetHeader(IMAGES.shape, 3, {})
    with WebDatasetWriter(tmp_path / "set", header, overwrite=False, shard_images=3) as writer:
        writer.write(writer.encode(Chunk(Span(0, COUNT), IMAGES, np.array(LABELS, "S3"))))
        writer.commit()
    (tmp_path / "set" / "train-000001.tar").unlink()

    with pytest.raises(DatasetError, match="claims 7 images and has 4"):
        open_reader(tmp_path / "set")


def test_a_shard_of_another_length_than_told_is_noticed(tmp_path):
    header = DatasetHeader(IMAGES.shape, 3, {})
    with WebDatasetWriter(tmp_path / "set", header, overwrite=False, shard_images=3) as writer:
        writer.write(writer.encode(Chunk(Span(0, COUNT), IMAGES, np.array(LABELS, "S3"))))
        writer.commit()
    shutil.copy(tmp_path / "set" / "train-000002.tar", tmp_path / "set" / "train-000001.tar")

    with open_reader(tmp_path / "set") as reader:
        np.testing.assert_array_equal(reader.image(2), IMAGES[2])
        with pytest.raises(DatasetError, match=r"train-000001\.tar has 1 images"):
            reader.image(3)


def test_a_single_shard_of_ours_tells_nothing_of_ground_truth(tmp_path):
    folder = write(tmp_path / "set", "webdataset")
    shutil.copy(folder / "train-000000.tar", tmp_path / "alone.tar")

    with open_reader(tmp_path / "alone.tar") as reader:
        assert reader.truth_names == ()
        assert reader.labels(0, COUNT) == LABELS


def test_ground_truth_that_is_nonsense_is_refused(tmp_path):
    folder = write(tmp_path / "set", "webdataset")
    described = json.loads((folder / "dataset.json").read_text())
    described["fields"] = {"boxes": {**described["fields"]["boxes"], "shape": [2, 4]}}
    (folder / "dataset.json").write_text(json.dumps(described))

    with open_reader(folder) as reader:
        np.testing.assert_array_equal(reader.truth("boxes", 0, 3), TRUTH["boxes"][:3, :2])
        with pytest.raises(DatasetError, match="'boxes' of an image are not int16"):
            reader.truth("boxes", 0, COUNT)


def test_a_sample_without_json_has_no_ground_truth(tmp_path):
    folder = write(tmp_path / "set", "webdataset")
    make(folder / "train-000000.tar", members())

    with open_reader(folder) as reader, pytest.raises(DatasetError, match="has no ground truth"):
        reader.truth("boxes", 0, 1)
