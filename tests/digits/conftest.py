"""Digits with writers, and digits that a server on 127.0.0.1 publishes."""

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from publisher import Server, idx, remote, server_archive

from number_generator import DigitImageDataset
from number_generator.digits import download as fetching
from number_generator.digits import published as digit_sources
from number_generator.digits.published import SOURCES


@pytest.fixture(scope="session")
def with_writers(make_digits):
    """90 synthetic digits by the writers 7, 40 and 2500, of whom 7 has written no 3."""
    images, labels = make_digits(8, per_class=9)
    ids = np.random.default_rng(5).choice([7, 40, 2500], len(labels))
    ids[(labels == 3) & (ids == 7)] = 40
    return DigitImageDataset(images, labels, writer_ids=ids)


@pytest.fixture
def without_sklearn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fetching, "_PAUSE_S", 0.0)
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.released.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setenv("NG_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def published(server, cache, make_digits, monkeypatch):
    """Publish small digits under the names of real ones: images and labels by name of the source."""
    images, labels = make_digits(28)
    rows = np.zeros((len(labels), 8), ">i4")
    rows[:, 0], rows[:, 2] = labels, np.arange(len(labels)) % 7
    contents = {
        "train-images-idx3-ubyte.gz": idx(images),
        "train-labels-idx1-ubyte.gz": idx(labels.astype(np.uint8)),
        "qmnist-train-images-idx3-ubyte.gz": idx(images),
        "qmnist-train-labels-idx2-int.gz": idx(rows),
    }
    archive = server_archive(images, labels)
    server.files = {**contents, "gzip.zip": archive}
    for name in ("mnist", "qmnist", "emnist-digits"):
        files = [remote(server.files[file.name], file.name, server.url + file.name) for file in SOURCES[name].files]
        monkeypatch.setitem(digit_sources.SOURCES, name, replace(SOURCES[name], files=tuple(files)))
    return images, labels
