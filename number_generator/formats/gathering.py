"""The parts of a split in one folder of Parquet files, with a card that tells Hugging Face which files are which."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.formats.conversion import choose_part, write_dataset
from number_generator.formats.ownership import find_obstacle
from number_generator.formats.parquet import CARD, DATA
from number_generator.formats.reader import Reader
from number_generator.formats.registry import count_files
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.signals import Interruption
from number_generator.system.temporaries import translate_errors

FORMAT = "parquet"
"""The format that holds several parts."""


def gather_parts(
    readers: Sequence[Reader],
    target: Path,
    *,
    parts: Sequence[str | None],
    shards: int | None = None,
    shard_size: int | None = None,
    overwrite: bool = False,
    interruption: Interruption | None = None,
    advance: Callable[[int], object] = lambda _: None,
    **options: Any,
) -> list[str]:
    """Write several datasets as the parts of one, and return the names of the parts.

    Parameters
    ----------
    target : Path
        The folder to write: `data/NAME-00000-of-0000K.parquet` for each part, and a card, `README.md`.
    parts : sequence of str or None
        The name of each dataset's part; None means that which it records, or "train".
    shards, shard_size : int, optional
        Of each part, as in `convert`.
    **options
        As in `write_dataset`.

    Raises
    ------
    SpecError
        If two parts have one name.
    DatasetError, OutputExistsError, OutputError
        As from `convert`.
    """
    names = [choose_part(part, reader.metadata) for part, reader in zip(parts, readers, strict=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SpecError(
            f"two of the datasets are the part {twice!r}: name the part that each is, separated by commas, as in "
            "--part train,val"
        )
    interruption = interruption or Interruption.installed()
    with interruption:
        folder = AtomicFolder(target, overwrite=overwrite, find_obstacle=find_obstacle)
        interruption.temporaries.append(folder.temporary_path)
    with folder:
        made = []
        for number, (reader, name) in enumerate(zip(readers, names, strict=True)):
            files = count_files(FORMAT, len(reader), shards, shard_size)
            made.append(folder.temporary_path / f"part-{number}")
            write_dataset(
                reader,
                made[-1],
                FORMAT,
                part=name,
                shards=files,
                interruption=interruption,
                advance=advance,
                **options,
            )
        with translate_errors(target):
            _move_together(made, folder.temporary_path / DATA)
            counts = [(name, len(reader)) for name, reader in zip(names, readers, strict=True)]
            with folder.create(CARD) as file:
                file.write(_format_card(target.name, counts))
        folder.finish()
        with interruption:
            folder.commit()
    return names


def _move_together(parts: Sequence[Path], data: Path) -> None:
    """Move the files of some datasets into one folder."""
    data.mkdir()
    for part in parts:
        for entry in (part / DATA).iterdir():
            entry.rename(data / entry.name)
        (part / DATA).rmdir()
        part.rmdir()


def _format_card(title: str, parts: Sequence[tuple[str, int]]) -> bytes:
    """Return the card: a description in YAML that `load_dataset` reads, and some words."""
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for name, _ in parts:
        # The writer's names, in which no hyphen is left.
        split = name.replace("-", "_")
        lines += [f"  - split: {split}", f"    path: {DATA}/{split}-*"]
    lines += [
        "---",
        "",
        f"# {title}",
        "",
        "Images of handwritten numbers with their labels, made by number_generator:",
        "",
    ]
    lines += [f"- {name}: {count} images" for name, count in parts]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
