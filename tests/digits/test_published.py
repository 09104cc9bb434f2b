"""Published digits: downloaded, unpacked, upright, and found by their names."""

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from number_generator import fetch_digits, generate_batch
from number_generator.commands.main import main
from number_generator.digits import published as digit_sources
from number_generator.digits.published import SOURCES
from number_generator.digits.resolve import default_digits, load_digits
from number_generator.errors import DatasetReadError, SpecError
from number_generator.system.signals import Interruption

pytest.importorskip("pooch")
pytest.importorskip("filelock")


# --- digits


@pytest.mark.parametrize("name", ["mnist", "qmnist", "emnist-digits"])
def test_published_digits_are_downloaded_and_upright(published, name):
    images, labels = published

    digits = fetch_digits(name)

    np.testing.assert_array_equal(digits.get_data()[0], images)
    assert digits.get_data()[1] == [str(label) for label in labels]


def test_emnist_is_upright_as_a_file_as_well(published, cache):
    digits = fetch_digits("emnist-digits")

    assert load_digits(cache / "emnist" / SOURCES["emnist-digits"].images).sha256 == digits.sha256


def test_qmnist_brings_writers_and_mnist_does_not(published):
    assert fetch_digits("qmnist").writer_ids.tolist() == [number % 7 for number in range(30)]
    assert fetch_digits("mnist").writer_ids is None


def test_an_archive_is_unpacked_once_and_not_kept(published, server, cache):
    fetch_digits("emnist-digits")
    fetch_digits("emnist-digits")

    assert server.asked == ["gzip.zip"]
    assert not (cache / "emnist" / "gzip.zip").exists()


def test_threads_that_ask_for_an_archive_at_once_download_it_once(published, server):
    given = []
    threads = [threading.Thread(target=lambda: given.append(fetch_digits("emnist-digits"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({digits.sha256 for digits in given}) == 1
    assert len(given) == 4
    assert server.asked == ["gzip.zip"]


def test_an_archive_that_was_put_there_by_hand_needs_no_package(published, server, cache, monkeypatch):
    for package in ("pooch", "filelock"):
        monkeypatch.setitem(sys.modules, package, None)
    (cache / "emnist").mkdir(parents=True)
    (cache / "emnist" / "gzip.zip").write_bytes(server.files["gzip.zip"])

    np.testing.assert_array_equal(fetch_digits("emnist-digits").get_data()[0], published[0])


def test_an_archive_that_was_put_there_by_hand_is_kept(published, server, cache):
    (cache / "emnist").mkdir(parents=True)
    (cache / "emnist" / "gzip.zip").write_bytes(server.files["gzip.zip"])

    fetch_digits("emnist-digits")

    assert server.asked == []
    assert (cache / "emnist" / "gzip.zip").exists()


def test_unpacked_files_that_have_changed_are_unpacked_again(published, server, cache):
    fetch_digits("emnist-digits")
    (cache / "emnist" / SOURCES["emnist-digits"].images).write_bytes(b"something else")

    np.testing.assert_array_equal(fetch_digits("emnist-digits").get_data()[0], published[0])
    assert server.asked == ["gzip.zip"] * 2


def test_an_archive_without_the_digits_is_an_error(published, server, monkeypatch):
    source = digit_sources.SOURCES["emnist-digits"]
    monkeypatch.setitem(digit_sources.SOURCES, "emnist-digits", replace(source, members=("gzip/other.gz",)))

    with pytest.raises(DatasetReadError, match=r"gzip/other\.gz is missing"):
        fetch_digits("emnist-digits")


def test_a_name_stands_for_its_digits_wherever_digits_are_taken(published, monkeypatch):
    digits = fetch_digits("mnist")

    np.testing.assert_array_equal(
        generate_batch(["0123456789"], (2, 4), 100, seed=3, digits="mnist"),
        generate_batch(["0123456789"], (2, 4), 100, seed=3, digits=digits),
    )
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", "mnist")
    assert default_digits().sha256 == digits.sha256


def test_digits_with_a_name_are_kept_in_memory(published):
    assert load_digits("mnist") is load_digits("mnist")


def test_a_folder_of_ones_own_can_be_the_cache(published, server, cache, tmp_path):
    fetch_digits("mnist", folder=tmp_path / "mine")

    assert (tmp_path / "mine" / "mnist" / "train-images-idx3-ubyte.gz").exists()
    assert not cache.exists()


def test_the_command_downloads_and_tells_what_is_there(published, cache, capsys):
    assert main(["digits", "fetch", "mnist", "emnist-digits"], Interruption()) == 0
    assert main(["digits", "list"], Interruption()) == 0

    printed = capsys.readouterr().out
    assert f'The digits mnist are in "{cache / "mnist" / "train-images-idx3-ubyte.gz"}"\n' in printed
    assert "MNIST's 60,000 training digits (downloaded)\n" in printed
    assert "EMNIST Digits: 240,000 training digits (downloaded)\n" in printed
    assert "EMNIST Digits: 40,000 test digits (downloaded)\n" in printed
    assert "MNIST's 10,000 test digits (to download, 2 MB)\n" in printed


def test_an_unknown_name_is_an_error_that_lists_them():
    with pytest.raises(SpecError, match=r"'mnist2': give mnist, mnist-test, qmnist, .* or emnist-digits-test"):
        fetch_digits("mnist2")


def test_every_file_has_a_sha256_and_two_mirrors():
    files = [file for source in SOURCES.values() for file in source.files]

    assert len({file.name for file in files}) == 9
    for file in files:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert len(set(file.urls)) == 2
        assert all(url.startswith("https://") for url in file.urls)
