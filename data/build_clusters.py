"""Build `digit_clusters.npz`, the style clusters of the packaged digits.

Run it by hand after `build_digits.py`, with scikit-learn installed: `python data/build_clusters.py`. The seed is fixed,
but k-means rounds differently from machine to machine, and a few digits may go to another cluster: that is why the
result is shipped. `digit_clusters.npz.sha256` holds its checksum, which the package checks when it loads the file.
"""

import hashlib
from pathlib import Path

import numpy as np

from number_generator import DigitImageDataset
from number_generator.digits.style_clusters import compute_style_clusters

_FEWEST = 15  # so that a line of the same digits does not show the same image again and again


def build(folder: Path) -> None:
    """Write `digit_clusters.npz` and its checksum into `folder`."""
    digits = DigitImageDataset()
    digits.load(folder / "digits.npz")
    images, texts = digits.get_data()
    labels = np.array([int(text) for text in texts])
    ids = compute_style_clusters(images, labels)
    table = np.array([np.bincount(ids[labels == digit], minlength=ids.max() + 1) for digit in range(10)])
    if table.min() < _FEWEST:
        raise SystemExit(f"a cluster has only {table.min()} images of a digit: {_FEWEST} are needed\n{table}")

    path = folder / "digit_clusters.npz"
    np.savez_compressed(path, ids=ids.astype(np.uint8), digits_sha256=np.array(digits.sha256))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{checksum}  {path.name}\n", encoding="ascii")
    print(f"{path.name}: {path.stat().st_size} bytes, SHA-256 {checksum}\nImages by digit and cluster:\n{table}")


if __name__ == "__main__":
    build(Path(__file__).parent)
