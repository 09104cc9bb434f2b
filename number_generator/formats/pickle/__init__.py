"""Pickles, as version 0.0.1 wrote them."""

from number_generator.formats.file_format import FileFormat, Lazy


def _matches_head(head: bytes) -> bool:
    # Protocols 2 and later say so; the older ones, which are rejected, start with an opcode that makes a container.
    return head[:1] == b"\x80" or head[:1] in {b"(", b"}", b"]", b")", b"c"}


FORMAT = FileFormat(
    name="pickle",
    title="pickle",
    summary="pickle as in version 0.0.1",
    file_phrase="a pickle",
    endings=(".pickle",),
    matches_head=_matches_head,
    load_arrays=Lazy("number_generator.formats.pickle.reader:load"),
    load_mapped=Lazy("number_generator.formats.pickle.reader:load_mapped"),
    open_writer=Lazy("number_generator.formats.pickle.writer:PickleWriter"),
)
