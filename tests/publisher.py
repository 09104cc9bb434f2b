"""A server on 127.0.0.1 that publishes small digits, for the tests of downloads."""

import gzip
import hashlib
import http.server
import io
import struct
import threading
import zipfile

import numpy as np

from number_generator.digits.download import RemoteFile


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


def remote(content, name, *urls):
    return RemoteFile(name, tuple(urls), hashlib.sha256(content).hexdigest(), len(content))


def idx(array):
    magic = {"uint8": 8, ">i4": 12}["uint8" if array.dtype == np.uint8 else ">i4"]
    head = bytes([0, 0, magic, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes(), mtime=0)


def server_archive(images, labels):
    """EMNIST's archive, whose images are transposed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in ("train", "test"):
            for member, array in (("images-idx3", images.transpose(0, 2, 1).copy()), ("labels-idx1", labels)):
                archive.writestr(f"gzip/emnist-digits-{part}-{member}-ubyte.gz", idx(array.astype(np.uint8)))
    return packed.getvalue()
