"""Downloads, from a server on 127.0.0.1 that does what servers do."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import struct
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S

from number_generator import fetch_digits, generate_batch
from number_generator.commands.main import main
from number_generator.digits import download as fetching
from number_generator.digits import published as digit_sources
from number_generator.digits.cache import cache_folder
from number_generator.digits.download import RemoteFile, fetch_files
from number_generator.digits.published import SOURCES
from number_generator.digits.resolve import default_digits, load_digits
from number_generator.errors import (
    DatasetNotFoundError,
    DatasetReadError,
    MissingExtraError,
    OutputError,
    SpecError,
)
from number_generator.system.signals import Interruption

pytest.importorskip("pooch")
pytest.importorskip("filelock")

WHAT = "the digits mnist"


class Server(http.server.ThreadingHTTPServer):
    """Answers with what `files` has: bytes, or a function that is given the handler."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.asked = []
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path[1:]
        self.server.asked.append(path)
        content = self.server.files.get(path)
        if callable(content):
            content(self)
        elif content is None:
            self.send_error(404)
        else:
            self.begin(len(content))
            self.wfile.write(content)

    def begin(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-gzip")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


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


def remote(content, name, *urls):
    return RemoteFile(name, tuple(urls), hashlib.sha256(content).hexdigest(), len(content))


def idx(array):
    magic = {"uint8": 8, ">i4": 12}["uint8" if array.dtype == np.uint8 else ">i4"]
    head = bytes([0, 0, magic, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


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


def server_archive(images, labels):
    """EMNIST's archive, whose images are transposed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in ("train", "test"):
            for member, array in (("images-idx3", images.transpose(0, 2, 1).copy()), ("labels-idx1", labels)):
                archive.writestr(f"gzip/emnist-digits-{part}-{member}-ubyte.gz", idx(array.astype(np.uint8)))
    return packed.getvalue()


# --- one file


def test_a_whole_file_is_downloaded_once(server, tmp_path):
    server.files["a.gz"] = b"whole" * 1000
    file = remote(server.files["a.gz"], "a.gz", server.url + "a.gz")

    paths = [fetch_files([file], tmp_path, WHAT) for _ in range(2)]

    assert paths == [[tmp_path / "a.gz"]] * 2
    assert paths[0][0].read_bytes() == server.files["a.gz"]
    assert server.asked == ["a.gz"]
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name != ".lock") == ["a.gz"]


def test_a_file_that_is_gzipped_by_the_server_as_well_is_kept_as_it_is_sent(server, tmp_path):
    content = gzip.compress(b"digits")

    def labelled(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    server.files["a.gz"] = labelled

    (path,) = fetch_files([remote(content, "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert path.read_bytes() == content


def truncated(content, *, is_told):
    def answer(handler):
        handler.begin(len(content) if is_told else None)
        handler.wfile.write(content[:-100])
        handler.close_connection = True

    return answer


@pytest.mark.parametrize("is_told", [True, False])
def test_a_truncated_file_is_not_taken(server, tmp_path, is_told):
    content = b"whole" * 1000
    server.files["a.gz"] = truncated(content, is_told=is_told)

    with pytest.raises(DatasetNotFoundError, match=r"broke off after|another file than the published one"):
        fetch_files([remote(content, "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert [entry.name for entry in tmp_path.iterdir() if entry.name != ".lock"] == []
    assert len(server.asked) == (3 if is_told else 1)


def test_a_file_that_breaks_off_once_is_asked_for_again(server, tmp_path):
    content = b"whole" * 1000

    def answer(handler):
        server.files["a.gz"] = content
        truncated(content, is_told=True)(handler)

    server.files["a.gz"] = answer

    (path,) = fetch_files([remote(content, "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert path.read_bytes() == content
    assert server.asked == ["a.gz", "a.gz"]


def test_a_corrupt_file_is_not_taken_and_the_next_mirror_is_asked(server, tmp_path):
    content = b"whole" * 1000
    server.files |= {"bad/a.gz": content[:-1] + b"!", "good/a.gz": content}
    file = remote(content, "a.gz", server.url + "bad/a.gz", server.url + "good/a.gz")

    (path,) = fetch_files([file], tmp_path, WHAT)

    assert path.read_bytes() == content
    assert server.asked == ["bad/a.gz", "good/a.gz"]


def test_a_damaged_file_of_the_cache_is_downloaded_again(server, tmp_path):
    server.files["a.gz"] = b"whole" * 1000
    (tmp_path / "a.gz").write_bytes(b"whol")

    (path,) = fetch_files([remote(server.files["a.gz"], "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert path.read_bytes() == server.files["a.gz"]


def test_a_server_that_stalls_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_TIMEOUT_S", (PATIENCE_S, 0.5))
    monkeypatch.setattr(fetching, "_ROUNDS", 1)

    def stall(handler):
        handler.begin(5000)
        handler.wfile.write(b"w" * 100)
        handler.wfile.flush()
        server.released.wait(PATIENCE_S)

    server.files["a.gz"] = stall

    with pytest.raises(DatasetNotFoundError, match=r"it broke off after 100 bytes \(it did not answer in time\)"):
        fetch_files([remote(b"w" * 5000, "a.gz", server.url + "a.gz")], tmp_path, WHAT)


def test_a_server_that_drips_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(fetching, "_ROUNDS", 1)

    def drip(handler):
        handler.begin(5000)
        with contextlib.suppress(OSError):
            while not server.released.wait(0.01):
                handler.wfile.write(b"w")

    server.files["a.gz"] = drip

    with pytest.raises(DatasetNotFoundError, match=r"it is too slow: \d+ bytes in \d+ s"):
        fetch_files([remote(b"w" * 5000, "a.gz", server.url + "a.gz")], tmp_path, WHAT)


def test_a_server_that_sends_without_end_is_given_up(server, tmp_path):
    def endless(handler):
        handler.begin(None)
        with contextlib.suppress(OSError):
            while not server.released.is_set():
                handler.wfile.write(b"w" * 65536)

    server.files["a.gz"] = endless

    with pytest.raises(DatasetNotFoundError, match="it sent more than 10000 bytes"):
        fetch_files([remote(b"w" * 5000, "a.gz", server.url + "a.gz")], tmp_path, WHAT)


def test_a_missing_file_is_not_asked_for_again(server, tmp_path):
    file = remote(b"w", "a.gz", server.url + "one/a.gz", server.url + "two/a.gz")

    with pytest.raises(DatasetNotFoundError, match="it answered 404 Not Found"):
        fetch_files([file], tmp_path, WHAT)

    assert server.asked == ["one/a.gz", "two/a.gz"]


def test_a_server_that_is_busy_is_asked_again(server, tmp_path):
    def busy(handler):
        server.files["a.gz"] = b"whole"
        handler.send_error(503)

    server.files["a.gz"] = busy

    fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert server.asked == ["a.gz", "a.gz"]


def test_without_a_connection_the_error_tells_what_to_put_where(server, cache):
    server.shutdown()
    server.server_close()
    file = remote(b"w" * 1234567, "a.gz", server.url + "a.gz")

    with pytest.raises(DatasetNotFoundError) as caught:
        fetch_files([file], cache / "mnist", WHAT)

    host = server.url.split("/")[2]
    assert str(caught.value) == (
        f"the digits mnist are not all in {cache / 'mnist'}, and a.gz could not be downloaded ({host}: it refused the "
        f"connection): try again later, or download by hand a.gz (1.2 MB) from {server.url}a.gz, and put it under this "
        f"name into the folder {cache / 'mnist'} (NG_CACHE_DIR names another one)"
    )


def test_files_that_were_put_there_by_hand_need_no_connection_and_no_package(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / "a.gz").write_bytes(b"whole")

    paths = fetch_files([remote(b"whole", "a.gz", "http://127.0.0.1:9/a.gz")], cache / "mnist", WHAT)

    assert paths == [cache / "mnist" / "a.gz"]


def test_without_the_package_the_error_names_the_extra_and_the_way_by_hand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)

    with pytest.raises(MissingExtraError, match=r"needs the package pooch.*number-generator\[fetch\].*by hand a\.gz"):
        fetch_files([remote(b"whole", "a.gz", "http://127.0.0.1:9/a.gz")], tmp_path, WHAT)


# --- the cache


def test_threads_that_ask_at_once_download_once(server, tmp_path):
    content = b"whole" * 100_000

    def slowly(handler):
        handler.begin(len(content))
        time.sleep(0.1)
        handler.wfile.write(content)

    server.files["a.gz"] = slowly
    file = remote(content, "a.gz", server.url + "a.gz")
    given = []
    threads = [threading.Thread(target=lambda: given.extend(fetch_files([file], tmp_path, WHAT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert given == [tmp_path / "a.gz"] * 4
    assert server.asked == ["a.gz"]


def test_processes_that_ask_at_once_download_once(server, tmp_path):
    content = b"whole" * 100_000

    def slowly(handler):
        handler.begin(len(content))
        time.sleep(0.1)
        handler.wfile.write(content)

    server.files["a.gz"] = slowly
    code = """
import sys
from pathlib import Path
from number_generator.digits.download import RemoteFile, fetch_files
url, sha256, folder = sys.argv[1:]
fetch_files([RemoteFile("a.gz", (url,), sha256, 500_000)], Path(folder), "the digits mnist")
"""
    arguments = [server.url + "a.gz", hashlib.sha256(content).hexdigest(), str(tmp_path / "cache")]
    source = str(Path(fetching.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}

    runs = [subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment) for _ in range(2)]

    assert [run.wait(PATIENCE_S) for run in runs] == [0, 0]
    assert server.asked == ["a.gz"]


def test_what_a_killed_download_has_left_is_removed_and_nothing_else(server, tmp_path):
    server.files["a.gz"] = b"whole"
    for name in (".unfinished-0123abcd", "tmp-of-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tmp8x_2").write_bytes(b"who")

    fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert not (tmp_path / ".unfinished-0123abcd").exists()
    assert (tmp_path / "tmp-of-mine" / "tmp8x_2").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are different there")
def test_an_interrupted_download_leaves_nothing_behind(server, tmp_path):
    def stalls(handler):
        handler.begin(5000)
        handler.wfile.write(b"who")
        handler.wfile.flush()
        server.released.wait(PATIENCE_S)

    server.files["a.gz"] = stalls
    code = """
import os, signal, sys, threading, time
from pathlib import Path
from number_generator.digits.download import RemoteFile, fetch_files
from number_generator.system.signals import Interruption
url, folder = sys.argv[1:]
Interruption().install()
def stop():
    while not any(path.is_file() for path in Path(folder).glob(".unfinished-*/*")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=stop, daemon=True).start()
fetch_files([RemoteFile("a.gz", (url,), "0" * 64, 5000)], Path(folder), "the digits mnist")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run(
        [sys.executable, "-c", code, server.url + "a.gz", tmp_path / "cache"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 130, result.stderr
    assert result.stderr.endswith("stopped; no unfinished file is left\n")
    assert [entry.name for entry in (tmp_path / "cache").iterdir() if entry.name != ".lock"] == []


def test_an_interrupted_unpacking_leaves_nothing_behind(published, cache, monkeypatch):
    seen = []

    class Stopped(BaseException):
        pass

    def stop(self, target):
        seen.append(self.parent.parent)
        raise Stopped

    monkeypatch.setattr(Path, "replace", stop)
    (cache / "emnist").mkdir(parents=True)
    (cache / "emnist" / "gzip.zip").write_bytes(server_archive(*published))
    with pytest.raises(Stopped):
        fetch_digits("emnist-digits")

    assert seen == [cache / "emnist"]
    assert sorted(entry.name for entry in (cache / "emnist").iterdir() if entry.name != ".lock") == ["gzip.zip"]


def test_a_downloaded_file_is_for_those_who_may_read_the_folder(server, tmp_path):
    if sys.platform == "win32":
        pytest.skip("there are no such permissions")
    server.files["a.gz"] = b"whole"
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)

    (path,) = fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], folder, WHAT)

    assert path.stat().st_mode & 0o777 == 0o644


def test_a_cache_that_is_a_file_is_one_clear_error(server, tmp_path):
    (tmp_path / "cache").write_bytes(b"")

    with pytest.raises(OutputError, match=r"the digits mnist cannot be kept in .*: .*NG_CACHE_DIR"):
        fetch_files([remote(b"w", "a.gz", server.url + "a.gz")], tmp_path / "cache" / "mnist", WHAT)


def test_a_cache_that_cannot_be_written_is_one_clear_error(server, tmp_path, monkeypatch):
    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)  # root, whom tests may run as, writes anywhere

    with pytest.raises(OutputError, match=r"cannot be kept in .*: Read-only file system; set .* NG_CACHE_DIR"):
        fetch_files([remote(b"w", "a.gz", server.url + "a.gz")], tmp_path / "mnist", WHAT)


def test_a_cache_that_cannot_be_written_serves_what_it_has(tmp_path, monkeypatch):
    (tmp_path / "a.gz").write_bytes(b"whole")
    monkeypatch.setattr(Path, "mkdir", None)

    assert fetch_files([remote(b"whole", "a.gz", "http://127.0.0.1:9/")], tmp_path, WHAT) == [tmp_path / "a.gz"]


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(server, tmp_path, monkeypatch):
    server.files["a.gz"] = b"whole"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "_progress", full)

    with pytest.raises(OutputError, match="No space left on device"):
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert [entry.name for entry in tmp_path.iterdir() if entry.name != ".lock"] == []


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("NG_CACHE_DIR", raising=False)

    assert cache_folder() == pooch.os_cache("number_generator")
    monkeypatch.setenv("NG_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    assert cache_folder(tmp_path / "mine") == tmp_path / "mine"


def test_nothing_is_printed_while_there_is_no_terminal(server, tmp_path, capfd):
    server.files["a.gz"] = b"whole"

    fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(server, tmp_path, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    server.files["a.gz"] = b"whole" * 1000

    fetch_files([remote(server.files["a.gz"], "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert "a.gz: 100%" in terminal.getvalue()
    assert "5.00k/5.00k" in terminal.getvalue()


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

    with pytest.raises(DatasetReadError, match=r"it lacks gzip/other\.gz"):
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
    assert "MNIST's 60,000 training digits (is there)\n" in printed
    assert "EMNIST Digits: 240,000 training digits (is there)\n" in printed
    assert "EMNIST Digits: 40,000 test digits (is there)\n" in printed
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
