"""The digit datasets that are known by name: where they are published, and the SHA-256 of their files."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from number_generator.digits.cache import find_cache_folder, is_whole
from number_generator.digits.conventions import NORMAL
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.download import RemoteFile, fetch_files, unpack
from number_generator.errors import SpecError


@dataclass(frozen=True, slots=True)
class DigitSource:
    """A published digit dataset."""

    name: str  # as for `--digits`
    about: str  # in one line
    folder: str  # in the cache; each publication has its own
    images: str  # the file of the images; the labels are beside it
    files: tuple[RemoteFile, ...]
    members: tuple[str, ...] = ()  # to unpack, if the one file is a zip archive
    orientation: str = NORMAL.orientation  # of the images in the file

    def is_there(self) -> bool:
        """Tell whether everything has been downloaded."""
        folder = find_cache_folder() / self.folder
        if self.members and all((folder / Path(member).name).is_file() for member in self.members):
            return True
        return all(is_whole(folder / file.name, file.sha256) for file in self.files)

    def fetch(self, cache: str | os.PathLike[str] | None = None) -> Path:
        """Download what the cache lacks, and return the path of the images; errors are those of `download`."""
        folder, what = find_cache_folder(cache) / self.folder, f"the digits {self.name}"
        if self.members:
            unpack(self.files[0], self.members, folder, what)
        else:
            fetch_files(self.files, folder, what)
        return folder / self.images

    def load(self, path: Path) -> DigitImageDataset:
        """Read the digits from the path that `fetch` returned."""
        digits = DigitImageDataset()
        digits.load(path, **asdict(replace(NORMAL, orientation=self.orientation)))
        digits.get_metadata()["source"] = self.name
        return digits


# MNIST's own host, yann.lecun.com, has answered 403 since 2024.
_MNIST = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
_QMNIST = (
    "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
    "https://github.com/facebookresearch/qmnist/raw/master/",
)
_EMNIST = (
    "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
    "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
)


def _mirrored(mirrors: tuple[str, ...], name: str, sha256: str, size: int) -> RemoteFile:
    return RemoteFile(name, tuple(mirror + name for mirror in mirrors), sha256, size)


def _mnist(name: str, about: str, part: str, *sums_and_sizes: tuple[str, int]) -> DigitSource:
    images, labels = f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"
    files = (_mirrored(_MNIST, images, *sums_and_sizes[0]), _mirrored(_MNIST, labels, *sums_and_sizes[1]))
    return DigitSource(name, about, "mnist", images, files)


def _qmnist(name: str, about: str, part: str, *sums_and_sizes: tuple[str, int]) -> DigitSource:
    images, labels = f"qmnist-{part}-images-idx3-ubyte.gz", f"qmnist-{part}-labels-idx2-int.gz"
    files = (_mirrored(_QMNIST, images, *sums_and_sizes[0]), _mirrored(_QMNIST, labels, *sums_and_sizes[1]))
    return DigitSource(name, about, "qmnist", images, files)


def _emnist(name: str, about: str, part: str) -> DigitSource:
    images = f"emnist-digits-{part}-images-idx3-ubyte.gz"
    return DigitSource(name, about, "emnist", images, (_EMNIST_ARCHIVE,), _EMNIST_MEMBERS, "transposed")


# TensorFlow Datasets, tensorflow_datasets/url_checksums/emnist.txt: size and SHA-256 of NIST's archive. The archive on
# the authors' own host, emnist-gzip.zip at westernsydney.edu.au, is another one and is left out.
_EMNIST_ARCHIVE = RemoteFile(
    "gzip.zip", _EMNIST, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e", 561_753_746
)

# Of both parts, so that nobody has to download the archive twice.
_EMNIST_MEMBERS = tuple(
    f"gzip/emnist-digits-{part}-{what}-ubyte.gz"
    for part in ("train", "test")
    for what in ("images-idx3", "labels-idx1")
)

# The SHA-256 of MNIST's and QMNIST's files are those of torchvision's prototype datasets (pytorch/vision,
# torchvision/prototype/datasets/_builtin/mnist.py, `_CHECKSUMS`), of the files as downloaded, gzipped. Those of
# QMNIST's two files of labels were computed from the bytes of facebookresearch/qmnist as well, and are the same.
_ALL = (
    _mnist(
        "mnist",
        "MNIST's 60,000 training digits",
        "train",
        ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
        ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
    ),
    _mnist(
        "mnist-test",
        "MNIST's 10,000 test digits",
        "t10k",
        ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    ),
    _qmnist(
        "qmnist",
        "QMNIST's 60,000 training digits, with writers",
        "train",
        ("9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d", 9_700_000),
        ("2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f", 463_024),
    ),
    _qmnist(
        "qmnist-test",
        "QMNIST's 60,000 test digits, with writers; the first 10,000 are MNIST's",
        "test",
        ("43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375", 9_700_000),
        ("9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06", 526_800),
    ),
    _emnist("emnist-digits", "EMNIST Digits: 240,000 training digits", "train"),
    _emnist("emnist-digits-test", "EMNIST Digits: 40,000 test digits", "test"),
)

SOURCES = {source.name: source for source in _ALL}
"""By name."""


def find_source(name: str) -> DigitSource:
    """Return a source, or raise a SpecError that lists them."""
    try:
        return SOURCES[name]
    except (KeyError, TypeError):
        *others, last = SOURCES
        raise SpecError(f"the digit source is {name!r}: give {', '.join(others)} or {last}") from None
