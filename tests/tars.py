"""Tar files as other programs write them."""

import io
import tarfile


def write_tar(path, members):
    """Write files of the given names and contents, and return the path."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
