"""Pickled datasets: protocols 2 to 5 of Python 3 load, of NumPy 1 and 2; nothing in a file is run."""

import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest

from number_generator.errors import DatasetError
from number_generator.formats.reader import load_arrays, open_reader

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABELS = ["3", "78"]
PROTOCOLS = range(2, 6)

PYTHON_2_PROTOCOL_2 = (
    b"\x80\x02}q\x01(U\x06imagesq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04"
    b"K\x00\x85U\x01bq\x05\x87Rq\x06(K\x01K\x02K\x01K\x02\x87cnumpy\ndtype\nq\x07U\x02u1K\x00K\x01\x87Rq\x08"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x00\n\xfe\xfftb"
    b"U\x06labelsq\x09]q\x0a(U\x013U\x0278eu."
)
PYTHON_2_PROTOCOL_0 = (
    b"(dp1\nS'images'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntp5\nS'b'\np6\n"
    b"tp7\nRp8\n(I1\n(I2\nI1\nI2\ntp9\ncnumpy\ndtype\np10\n(S'u1'\np11\nI0\nI1\ntp12\nRp13\n"
    b"(I3\nS'|'\np14\nNNNI-1\nI-1\nI0\ntp15\nbI00\nS'\\x00\\n\\xfe\\xff'\np16\ntp17\nbs"
    b"S'labels'\np18\n(lp19\nS'3'\np20\naS'78'\np21\nas."
)
# What follows the images in a handwritten pickle of protocol 2.
ARRAY_START = b"\x80\x02}(X\x06\0\0\0imagescnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
LABELS_END = b"X\x06\0\0\0labels](K\x01K\x02eu."


def load(tmp_path, content):
    path = tmp_path / "digits.pkl"
    path.write_bytes(content)
    return load_arrays(path)


def without_frame(content):
    """Take out the one frame of a small pickle of protocol 4 or 5, so that its length may change."""
    return content[:2] + content[11:] if content[2:3] == pickle.FRAME else content


def of_numpy(version, content):
    """Return a pickle with the module names that one version of NumPy writes."""
    core = {1: b"numpy.core", 2: b"numpy._core"}[version]
    content = without_frame(content)
    for module in (b"multiarray", b"numeric"):
        wanted = core + b"." + module
        for other in (b"numpy.core." + module, b"numpy._core." + module):
            short = pickle.SHORT_BINUNICODE
            content = content.replace(
                short + bytes([len(other)]) + other, short + bytes([len(wanted)]) + wanted
            ).replace(b"c" + other + b"\n", b"c" + wanted + b"\n")
    return content


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("version", [1, 2])
def test_every_protocol_of_either_numpy_loads(tmp_path, protocol, version):
    content = {"images": IMAGES, "labels": LABELS, "metadata": {"seed": 7}}

    dataset = load(tmp_path, of_numpy(version, pickle.dumps(content, protocol)))

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert dataset.labels == LABELS
    assert dataset.metadata == {"seed": 7}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PYTHON_2_PROTOCOL_0, "of protocol 0 or 1"),
        (PYTHON_2_PROTOCOL_2, "strings of Python 2"),
        *((pickle.dumps({"images": IMAGES, "labels": LABELS}, protocol), "of protocol 0 or 1") for protocol in (0, 1)),
        (b"\x80\x01}.", "of protocol 1: protocols 2 to 5 are read"),
        (b"\x80\x09}.", "of protocol 9: protocols 2 to 5 are read"),
    ],
    ids=["Python 2, 0", "Python 2, 2", "0", "1", "says 1", "says 9"],
)
def test_a_pickle_of_another_time_is_rejected_with_the_way_out(tmp_path, content, words):
    with pytest.raises(DatasetError, match=words) as caught:
        load(tmp_path, content)

    assert "if you trust its source, load it with Python's own `pickle`" in str(caught.value)
    assert "save it again with protocol 4" in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", [{1}, frozenset({1}), set(), 1j], ids=repr)
def test_sets_and_complex_numbers_are_rejected_by_name(tmp_path, value, protocol):
    content = {"images": IMAGES, "labels": LABELS, "metadata": {"a": value}}

    with pytest.raises(DatasetError, match=r"holds a (set|frozenset|complex), which is not read: save"):
        load(tmp_path, pickle.dumps(content, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "images",
    [
        np.asfortranarray(IMAGES),
        np.ascontiguousarray(IMAGES.transpose(1, 0, 2)).transpose(1, 0, 2),
        np.repeat(IMAGES, 2, axis=2)[:, :, ::2],
        list(IMAGES),
        tuple(IMAGES),
    ],
    ids=["fortran", "transposed", "strided", "list", "tuple"],
)
def test_images_in_any_memory_order_become_an_array_of_their_own(tmp_path, images, protocol):
    dataset = load(tmp_path, pickle.dumps({"images": images, "labels": LABELS}, protocol))

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert dataset.images.flags.c_contiguous
    assert dataset.images.flags.owndata
    assert dataset.images.flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "labels",
    [
        [3, 78],
        [b"3", b"78"],
        list(np.array([3, 78])),
        list(np.array([3, 78], ">u2")),
        list(np.array(["3", "78"])),
        [np.str_(""), np.bytes_(b"8")],
        np.array([3, 78], ">i4"),
        np.array(["3", "78"]),
        np.array([b"3", b"78"]),
        ("3", "78"),
    ],
    ids=repr,
)
def test_labels_keep_their_values(tmp_path, labels, protocol):
    dataset = load(tmp_path, pickle.dumps({"images": IMAGES, "labels": labels}, protocol))

    assert list(dataset.labels) == list(labels)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metadata_keeps_its_values(tmp_path, protocol):
    metadata = {
        "spacing_range": (5, 10),
        "nested": {"list": [1, -2, 3.5, 2**100, None, True, False, "é\\u\n", b"\0\xff", b""]},
        "ordered": OrderedDict(first=1),
        "buffer": bytearray(b"\0\xff" * 3000),
        1: np.float32(0.5),
    }
    content = {"images": IMAGES, "labels": LABELS, "metadata": metadata}

    dataset = load(tmp_path, pickle.dumps(content, protocol))

    assert dataset.metadata == metadata


def test_arrays_and_types_in_the_metadata_become_those_of_numpy(tmp_path):
    metadata = {"table": np.array([[1.5, 2]]), "type": np.dtype(">i4")}
    content = {"images": IMAGES, "labels": LABELS, "metadata": metadata}

    dataset = load(tmp_path, pickle.dumps(content))

    assert dataset.metadata["table"].tolist() == [[1.5, 2.0]]
    assert dataset.metadata["type"] == np.dtype(">i4")


def test_a_dataset_without_metadata_has_an_empty_dict(tmp_path):
    dataset = load(tmp_path, pickle.dumps({"images": IMAGES, "labels": LABELS}))

    assert dataset.metadata == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([IMAGES, LABELS], r"the pickle is \[<array of uint8 .*\], not a dict"),
        ({"images": IMAGES}, "no labels"),
        ({"pictures": 1}, r"no images and no labels \(it has 'pictures'\)"),
        ({"images": IMAGES, "labels": ["3"]}, "2 images but 1 labels"),
        ({"images": IMAGES[0], "labels": LABELS}, r"shape \(3, 4\)"),
        ({"images": IMAGES[:, :, :0], "labels": LABELS}, "0 px wide"),
        ({"images": IMAGES.astype(np.int64), "labels": LABELS}, "int64"),
        ({"images": [], "labels": []}, "empty list"),
        ({"images": "abc", "labels": LABELS}, "`images` is 'abc', not an array"),
        ({"images": [IMAGES[0], IMAGES[1, 0]], "labels": LABELS}, "2 different types or numbers of axes"),
        ({"images": [IMAGES[0], IMAGES[1, :0]], "labels": LABELS}, "`heights` has 0 for image 1"),
        ({"images": IMAGES, "labels": LABELS, "widths": [1, 5]}, r"`widths` is \[1, 5\], not an array"),
        ({"images": IMAGES, "labels": [1.5, 2.5]}, "entries of type float"),
        ({"images": IMAGES, "labels": [True, False]}, "entries of type bool"),
        ({"images": IMAGES, "labels": [["3"], ["7"]]}, "entries of type list"),
        ({"images": IMAGES, "labels": "37"}, "not a list or an array"),
        ({"images": IMAGES, "labels": np.zeros((2, 1), int)}, "one row"),
        ({"images": IMAGES, "labels": np.zeros(2)}, "one row"),
        ({"images": IMAGES, "labels": LABELS, "metadata": [1]}, "not a dict"),
    ],
)
def test_a_pickle_of_something_else_is_refused_in_words(tmp_path, content, words):
    with pytest.raises(DatasetError, match=words) as caught:
        load(tmp_path, pickle.dumps(content))

    assert "digits.pkl" in str(caught.value)
    assert "A valid pickle holds a dict with `images`" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02cos\nsystem\nX\x0c\0\0\0touch TARGET\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch TARGET\x85R.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch TARGET\x85R.",
        b"\x80\x02(X\x0c\0\0\0touch TARGETios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x0c\0\0\0touch TARGETo.",
        b"\x80\x02csubprocess\nPopen\n](X\x05\0\0\0touchX\x06\0\0\0TARGETe\x85\x81.",
        b"\x80\x02cbuiltins\neval\nX\x12\0\0\0open('TARGET', 'w')\x85R.",
        b"\x80\x02cbuiltins\ngetattr\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x04load\x93\x8c\x06TARGET\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x0bset.__doc__\x93.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02K\x01Q.",
        b"\x80\x02Pa\n.",
    ],
)
def test_code_that_a_pickle_names_is_not_run(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DatasetError):
        load(tmp_path, content)

    assert [path.name for path in tmp_path.iterdir()] == ["digits.pkl"]


def test_the_message_tells_the_name_that_is_not_run(tmp_path):
    with pytest.raises(DatasetError, match=r"names 'os\.system', which no dataset needs"):
        load(tmp_path, b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.")


class Hostile:
    """Runs code when an ordinary unpickler loads it."""

    def __reduce__(self):
        return (exec, ("raise SystemExit",))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_inside_a_valid_dataset_is_not_run(tmp_path, protocol):
    content = {"images": IMAGES, "labels": LABELS, "metadata": {"x": Hostile()}}

    with pytest.raises(DatasetError, match="exec"):
        load(tmp_path, pickle.dumps(content, protocol))


def state(shape=b"K\x02K\x01K\x01\x87", dtype=None, data=b"C\x02ab"):
    dtype = b"cnumpy\ndtype\nX\x02\0\0\0u1\x89\x88\x87R" if dtype is None else dtype
    return b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"


def test_the_handwritten_array_loads_as_it_is(tmp_path):
    dataset = load(tmp_path, ARRAY_START + state() + LABELS_END)

    assert dataset.images.tolist() == [[[97]], [[98]]]


DTYPE = b"cnumpy\ndtype\nX\x02\0\0\0%s\x89\x88\x87R"
HUGE = b"\x8a\x05\0\0\0\0\x01"  # 2**32


@pytest.mark.parametrize(
    "array",
    [
        state(shape=HUGE + b"K\x01K\x01\x87"),
        state(shape=HUGE * 3 + b"\x87"),
        state(shape=b"K\x00" + HUGE * 2 + b"\x87", data=b"C\x00"),
        state(shape=b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x02\x87"),
        state(shape=b"X\x01\0\0\x001"),
        state(shape=b"(" + b"K\x01" * 40 + b"t", data=b"C\x01a"),
        state(dtype=DTYPE % b"O8"),
        state(dtype=DTYPE % b"O8", data=b"](NNe"),
        state(dtype=DTYPE % b"V1"),
        state(dtype=DTYPE % b"M8"),
        state(dtype=DTYPE % b"S0", data=b"C\x00"),
        state(dtype=DTYPE % b"u3"),
        state(dtype=DTYPE % b"u1" + b"(K\x03X\x01\0\0\0|N(X\x01\0\0\0at}NJ\xff\xff\xff\xffK\x01K\x00tb"),
        state(dtype=DTYPE % b"u1" + b"(K\x03X\x01\0\0\0|cnumpy\ndtype\nNNK\x01K\x01K\x00tb"),
        state(dtype=DTYPE % b"u1" + b"(K\x03X\x01\0\0\0|NNNK\x63K\x01K\x00tb"),
        state(dtype=DTYPE % b"u1" + b"(K\x63X\x01\0\0\0|NNNK\x01K\x01K\x00tb"),
        state(dtype=DTYPE % b"u1" + b"Nb"),
        state(dtype=b"N"),
        state(dtype=b"cnumpy\ndtype\n)R"),
        b"Nb",
        b"(tb",
        b"(K\x01K\x02tb",
    ],
)
def test_an_array_that_contradicts_itself_is_refused(tmp_path, array):
    with pytest.raises(DatasetError):
        load(tmp_path, ARRAY_START + array + LABELS_END)


def nested_key(depth):
    """Return a dict whose key is nested so deep that hashing it would end the process."""
    return b"\x80\x04})" + b"\x85" * depth + b"K\x01s."


@pytest.mark.parametrize(
    "content",
    [
        nested_key(300_000),
        b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".",
        b"\x80\x04" + b"(" * 1_000_000,
        b"\x80\x02}(X\x06\0\0\0imagesh\x00X\x06\0\0\0labelsNu.",
        b"\x80\x02]q\x00h\x00a.",
        b"\x80\x02cnumpy\nndarray\n)R.",
        b"\x80\x02ccollections\nOrderedDict\n](K\x01ee\x85R.",
        b"\x80\x05\x97.",
        b"\x80\x05\x97\x98.",
        b"\x80\x02K\x01}b.",
        b"\x80\x02NK\x01a.",
        b"\x80",
        b"\x80\x02",
        b"\x80\x02}",
        b"\x80\x02u.",
        b"\x80\x02a.",
        b"\x80\x02X\x01\0\0\0\xff.",
    ],
)
def test_a_malformed_pickle_is_refused(tmp_path, content):
    with pytest.raises(DatasetError):
        load(tmp_path, content)


def test_metadata_that_holds_itself_is_refused(tmp_path):
    metadata = {}
    metadata["self"] = metadata

    with pytest.raises(DatasetError, match="nested"):
        load(tmp_path, pickle.dumps({"images": IMAGES, "labels": LABELS, "metadata": metadata}))


@pytest.mark.slow
def test_metadata_that_doubles_at_every_level_is_refused(tmp_path):
    metadata = {}
    for _ in range(30):
        metadata = {"a": metadata, "b": metadata}

    with pytest.raises(DatasetError, match="memory"):
        load(tmp_path, pickle.dumps({"images": IMAGES, "labels": LABELS, "metadata": metadata}))


def test_one_image_that_stands_in_the_list_many_times_is_refused(tmp_path):
    image = np.zeros((500, 500), np.uint8)
    content = {"images": [image] * 10_000, "labels": [0] * 10_000}

    with pytest.raises(DatasetError, match="memory"):
        load(tmp_path, pickle.dumps(content))


def test_a_hash_of_many_colliding_integers_is_never_taken(tmp_path):
    keys = b"".join(b"\x8a\x0a" + (i * (2**61 - 1)).to_bytes(10, "little") + b"N" for i in range(1, 100_000))

    with pytest.raises(DatasetError, match="key"):
        load(tmp_path, b"\x80\x02}(" + keys + b"u.")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_cut_short_anywhere_is_refused(tmp_path, protocol):
    content = pickle.dumps({"images": IMAGES, "labels": LABELS}, protocol)

    for length in range(1, len(content)):
        with pytest.raises(DatasetError):
            load(tmp_path, content[:length])


def test_buffers_out_of_band_are_refused(tmp_path):
    buffers = []
    content = pickle.dumps({"images": IMAGES, "labels": LABELS}, 5, buffer_callback=buffers.append)

    with pytest.raises(DatasetError, match="out of band"):
        load(tmp_path, content)


def test_many_labels_of_every_width_load(tmp_path):
    labels = ["x" * length for length in (0, 1, 255, 256, 70_000)] * 2 + [0, 255, 256, 65536, -1, 2**31, -(2**40)]
    images = np.zeros((len(labels), 1, 1), np.uint8)

    dataset = load(tmp_path, pickle.dumps({"images": images, "labels": labels}))

    assert dataset.labels == labels


def test_long_text_of_protocol_4_loads(tmp_path):
    text = "é" * 10
    encoded = text.encode()
    short = b"\x8c" + bytes([len(encoded)]) + encoded
    content = without_frame(pickle.dumps({"images": IMAGES, "labels": ["3", text]}, 4))

    dataset = load(tmp_path, content.replace(short, b"\x8d" + struct.pack("<Q", len(encoded)) + encoded))

    assert dataset.labels == ["3", text]


def test_more_numbered_objects_than_a_file_can_hold_are_refused(tmp_path):
    path = tmp_path / "memo.pickle"
    path.write_bytes(b"\x80\x04N" + b"\x94" * 100_000 + b".")

    with pytest.raises(DatasetError, match="numbers far more objects"):
        load_arrays(path)


FIELDS = {"boxes": {"shape": [3, 4], "dtype": "int16", "fill": -1, "about": {}}}
BOXES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def with_truth(path, truth, metadata=None, protocol=4):
    content = {
        "images": np.zeros((2, 3, 4), np.uint8),
        "labels": ["3", "78"],
        "metadata": {"seed": 7, "truth_fields": FIELDS} if metadata is None else metadata,
        "truth": truth,
    }
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ground_truth_is_a_fourth_entry(tmp_path, protocol):
    path = with_truth(tmp_path / "lines", {"boxes": BOXES, "more": BOXES}, protocol=protocol)

    with open_reader(path) as reader:
        assert reader.metadata == {"seed": 7}
        assert reader.truth_names == ("boxes",)
        np.testing.assert_array_equal(reader.truth("boxes", 0, 2), BOXES)


def test_ground_truth_that_nothing_describes_is_left_alone(tmp_path):
    with open_reader(with_truth(tmp_path / "lines", {"boxes": BOXES}, {"seed": 7})) as reader:
        assert reader.truth_names == ()
        assert reader.metadata == {"seed": 7}


@pytest.mark.parametrize(
    ("truth", "metadata", "words"),
    [
        ([BOXES], None, r"`truth` is \[<array of int16 with shape \(2, 3, 4\)>\], not a dict of arrays"),
        ({"boxes": [1, 2]}, None, r"`truth` is {'boxes': \[1, 2\]}, not a dict of arrays"),
        ({}, None, "`boxes` is None"),
        ({"boxes": BOXES[:1]}, None, r"`boxes` is an array of int16 with shape \(1, 3, 4\)"),
        ({"boxes": BOXES}, [1], r"`metadata` is \[1\]"),
        ({"boxes": BOXES}, {"truth_fields": 3}, "fields are 3"),
        ({"boxes": BOXES}, {"truth_fields": {"boxes": {"shape": [10**12]}}}, "field 'boxes'"),
    ],
)
def test_ground_truth_that_is_not_as_described_is_refused(tmp_path, truth, metadata, words):
    path = with_truth(tmp_path / "lines", truth, metadata)

    with pytest.raises(DatasetError, match=words):
        load_arrays(path)


def test_an_array_that_stands_many_times_in_the_ground_truth_is_refused(tmp_path):
    big = np.zeros(1 << 20, np.int64)
    path = with_truth(tmp_path / "lines", {f"a{number}": big for number in range(5000)})

    with pytest.raises(DatasetError, match="far more memory"):
        load_arrays(path)


def test_metadata_in_plain_words_are_kept_as_text(tmp_path):
    content = {"images": np.zeros((1, 4, 4), np.uint8), "labels": ["1"], "metadata": "made by me"}
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(content))

    assert load_arrays(tmp_path / "a.pickle").metadata == {"text": "made by me"}
