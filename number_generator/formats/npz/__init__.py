"""NumPy's archives."""

from number_generator.formats.file_format import FileFormat, Lazy

FORMAT = FileFormat(
    name="npz",
    title="NPZ archive",
    summary="npz of NumPy",
    file_phrase="an NPZ archive",
    endings=(".npz",),
    signatures=((0, b"PK\x03\x04"), (0, b"PK\x05\x06")),
    load_arrays=Lazy("number_generator.formats.npz.reader:load"),
    load_mapped=Lazy("number_generator.formats.npz.reader:load_mapped"),
    open_writer=Lazy("number_generator.formats.npz.writer:NpzWriter"),
)
