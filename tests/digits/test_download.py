"""Downloads, from a server on 127.0.0.1 that does what servers do."""

import contextlib
import gzip
import hashlib
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from patience import PATIENCE_S
from publisher import remote, server_archive

from number_generator import fetch_digits
from number_generator.digits import download as fetching
from number_generator.digits import transfer
from number_generator.digits.cache import find_cache_folder
from number_generator.digits.download import fetch_files
from number_generator.errors import DatasetNotFoundError, MissingExtraError, OutputError

pytest.importorskip("pooch")
pytest.importorskip("filelock")

WHAT = "the digits mnist"


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
    monkeypatch.setattr(transfer, "_TIMEOUT_S", (PATIENCE_S, 0.5))
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
    monkeypatch.setattr(transfer, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(fetching, "_ROUNDS", 1)

    def drip(handler):
        handler.begin(5000)
        with contextlib.suppress(OSError):
            while not server.released.wait(0.01):
                handler.wfile.write(b"w")

    server.files["a.gz"] = drip

    with pytest.raises(DatasetNotFoundError, match=r"it is too slow: \d+ bytes in \d+ s"):
        fetch_files([remote(b"w" * 5000, "a.gz", server.url + "a.gz")], tmp_path, WHAT)


def redirecting(to, body=b"", **headers):
    """Return the answer of a server that redirects, and sends a body with it."""

    def answer(handler):
        handler.send_response(302)
        for name, value in {"Location": to, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body)
            while body and not handler.server.released.is_set():
                handler.wfile.write(bytes(65536))

    return answer


def test_the_body_of_a_redirect_is_not_read(server, tmp_path):
    server.files |= {
        "a.gz": redirecting("/endless.gz"),
        "endless.gz": redirecting("whole.gz", gzip.compress(bytes(10**6)), Content_Encoding="gzip"),
        "whole.gz": b"whole",
    }

    (path,) = fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert path.read_bytes() == b"whole"
    assert server.asked == ["a.gz", "endless.gz", "whole.gz"]


def test_redirects_come_to_an_end(server, tmp_path):
    server.files["a.gz"] = redirecting("/a.gz")

    with pytest.raises(DatasetNotFoundError, match="it redirects more than 10 times"):
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert len(server.asked) == 11


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://[", "http://:x/"])
def test_a_redirect_to_what_is_no_web_address_is_told(server, tmp_path, monkeypatch, place):
    monkeypatch.setattr(fetching, "_ROUNDS", 1)
    server.files["a.gz"] = redirecting(place)

    with pytest.raises(DatasetNotFoundError, match=r"could not be downloaded \(127.*(Invalid|No connection|No host)"):
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)


@pytest.mark.parametrize("where", ["status", "headers", "redirects", "interim answers"])
def test_a_server_that_drips_its_headers_is_given_up_and_so_is_the_lock(server, tmp_path, monkeypatch, where):
    monkeypatch.setattr(transfer, "_ANSWER_S", 0.3)
    monkeypatch.setattr(fetching, "_ROUNDS", 1)
    first = {"status": b"", "headers": b"HTTP/1.1 200 OK\r\nX: ", "redirects": b"HTTP/1.1 302 Found\r\nLocation: "}
    piece = b"HTTP/1.1 100 Continue\r\n\r\n" if where == "interim answers" else b"x"

    def drip(handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(first.get(where, b""))
            while not server.released.wait(0.01):
                handler.wfile.write(piece)

    server.files |= {"a.gz": drip, "b.gz": b"whole"}

    with pytest.raises(DatasetNotFoundError, match="it did not answer in time"):
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)
    (path,) = fetch_files([remote(b"whole", "b.gz", server.url + "b.gz")], tmp_path, WHAT)

    assert path.read_bytes() == b"whole"


def test_a_server_that_drips_within_the_length_of_a_chunk_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(fetching, "_ROUNDS", 1)

    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nw\r\n1;")
        with contextlib.suppress(OSError):
            while not server.released.wait(0.01):
                handler.wfile.write(b"x")

    server.files["a.gz"] = drip

    with pytest.raises(DatasetNotFoundError, match=r"it is too slow: [01] bytes in 0 s"):
        fetch_files([remote(b"w" * 5000, "a.gz", server.url + "a.gz")], tmp_path, WHAT)


@pytest.mark.parametrize("length", ["many", "-5", "9" * 5000, ""])
def test_a_length_that_is_nonsense_is_not_believed(server, tmp_path, monkeypatch, length):
    monkeypatch.setattr(fetching, "_ROUNDS", 1)

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(b"whole")
        handler.close_connection = True

    server.files["a.gz"] = answer
    with contextlib.suppress(DatasetNotFoundError):  # http.client does not take all of them either
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert [entry.name for entry in tmp_path.iterdir() if entry.name != ".lock"] in ([], ["a.gz"])


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

    with pytest.raises(MissingExtraError, match=r"needs the package pooch.*'\.\[fetch\].*by hand a\.gz"):
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

    monkeypatch.setattr(fetching, "_make_progress_bar", full)

    with pytest.raises(OutputError, match="No space left on device"):
        fetch_files([remote(b"whole", "a.gz", server.url + "a.gz")], tmp_path, WHAT)

    assert [entry.name for entry in tmp_path.iterdir() if entry.name != ".lock"] == []


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path):
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("NG_CACHE_DIR", raising=False)

    assert find_cache_folder() == pooch.os_cache("number_generator")
    monkeypatch.setenv("NG_CACHE_DIR", str(tmp_path))
    assert find_cache_folder() == tmp_path
    assert find_cache_folder(tmp_path / "mine") == tmp_path / "mine"


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


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other systems have other folders")
@pytest.mark.parametrize("invalid", ["~/c", "c", ".", " "])
def test_a_folder_for_caches_that_is_not_absolute_is_ignored(tmp_path, monkeypatch, invalid):
    monkeypatch.delenv("NG_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    own = find_cache_folder()
    monkeypatch.setenv("XDG_CACHE_HOME", invalid)

    assert own == tmp_path / "own" / "number_generator"
    assert find_cache_folder() == tmp_path / ".cache" / "number_generator"
