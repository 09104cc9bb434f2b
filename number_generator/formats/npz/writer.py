"""NPZ archives: `images`, their sizes, `labels`, `metadata` (JSON) and ground truth, as they are, with flat memory."""

import shutil
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from number_generator.formats.base_writer import Encoded, FileWriter
from number_generator.formats.schema import describe, dump_json
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.labels import decode_labels

_COPY_BYTES = 2**20
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP can hold: the same job gives the same bytes


class NpzWriter(FileWriter):
    """Write a dataset as one NPZ archive.

    The archive holds one array after the other, so all but the images wait in unnamed temporary files beside it.
    """

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool) -> None:
        self._description = np.array(dump_json(describe(header)).decode("ascii"))
        self._label_dtype = np.dtype(f"U{max(1, header.label_length)}")
        super().__init__(path, header, overwrite=overwrite)

    def encode(self, chunk: Chunk) -> Encoded:
        """Convert a chunk's arrays to the types and shapes of the archive."""
        labels = decode_labels(chunk.labels).astype(self._label_dtype)
        return {"images": self._pad_images(chunk), "labels": labels, **self._pad_beside(chunk)}

    def write(self, encoded: Encoded) -> None:
        """Append a chunk's images; the rest waits."""
        with self._translate_errors():
            self._images.write(encoded["images"].data.cast("B") if len(encoded["images"]) else b"")
            for name, file in self._waiting.items():
                file.write(encoded[name].tobytes())
            self._note_heights(encoded)
            self._file.write_back()

    def _begin(self) -> None:
        self._archive = zipfile.ZipFile(self._file.file, "w", zipfile.ZIP_STORED)
        self._open.callback(self._archive.close)
        self._images = self._open.enter_context(
            self._begin_member("images", np.dtype(np.uint8), self._header.array_shape)
        )
        self._waiting = self._open_waiting_files()

    def _end(self) -> None:
        self._images.close()
        count = self._header.shape[0]
        self._append_waiting("labels", self._label_dtype, (count,))
        for name in self._list_sizes():
            self._append_waiting(name, np.dtype(np.int32), (count,))
        with self._begin_member("metadata", self._description.dtype, ()) as member:
            member.write(self._description.tobytes())
        for field in self._header.fields:
            self._append_waiting(field.name, np.dtype(field.dtype), (count, *field.shape))
        self._archive.close()

    def _begin_member(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> IO[bytes]:
        """Begin an array in the archive with everything but its data."""
        info = zipfile.ZipInfo(f"{name}.npy", _NO_TIME)
        info.external_attr = 0o600 << 16  # as in NumPy's own archives
        member = self._archive.open(info, "w", force_zip64=True)
        description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, description)
        return member

    def _append_waiting(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._waiting[name].seek(0)
        with self._begin_member(name, dtype, shape) as member:
            shutil.copyfileobj(self._waiting[name], member, _COPY_BYTES)
