"""What a dataset says of how it was made, compared with another's: the same job or not, and in what they differ.

A job divided into shards is one job: a shard's description follows from the whole's, and the whole's from a shard's.
"""

import json
import shlex
import time
from collections.abc import Collection, Mapping
from typing import Any

from number_generator.job.spec import Span

__all__ = [
    "find_differences",
    "join_metadata",
    "make_shard_metadata",
    "make_whole_metadata",
    "read_options",
    "read_recorded_job",
]

_SHARD, _SHARDS = "shard", "shards"
_OF_A_SHARD = frozenset({_SHARD, _SHARDS, "num_images", "start"})
_NAMES = {
    "digits_sha256": "the digits (SHA-256)",
    "package_version": "number_generator",
    "render_version": "the version of the pixels",
    "style_version": "the version of the styles",
    "writers_sha256": "who wrote which digit (SHA-256)",
}
"""What is told of even if an option differs: it cannot follow from one."""
_LIST = {"sha256": "the list of numbers (SHA-256)"}
_PLACES = {"digits_sha256": "digits", "sha256": "sequences"}
"""Options that name files, and what holds the digest of their content."""
_LONGEST = 80


def read_recorded_job(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the description of the job that a dataset was made by; empty where it has none."""
    try:
        job = json.loads(metadata["job"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return job if isinstance(job, dict) else {}


def read_options(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Give the options of the command that a dataset was made by, as it takes them; empty where it tells none.

    An option that is given several times has its values one after the other.
    """
    options: dict[str, str] = {}
    for word in _all_words(metadata)[1:]:
        name, equals, given = word.partition("=")
        value = given if equals else "given"
        options[name] = f"{options[name]} {value}" if name in options else value
    return options


def find_differences(
    before: Mapping[str, Any], now: Mapping[str, Any], *, ignoring: Collection[str] = frozenset()
) -> list[str]:
    """Tell in what two datasets' jobs differ.

    Parameters
    ----------
    before, now : mapping
        Metadata, as `dataset_metadata` makes it and a reader gives it.
    ignoring : collection of {"shard"}
        Whether they may be different shards of one job.

    Returns
    -------
    list of str
        Sentences that name each difference; none if both make the same images, labels and ground truth. Where digits
        and lists of numbers lie makes no difference, if they have the same SHA-256.

    Examples
    --------
    >>> from number_generator.job.provenance import find_differences
    >>> find_differences({"command": "generate-phone-numbers --seed=1"}, {"command": "generate-phone-numbers --seed=2"})
    ['--seed was 1 and is 2']
    """
    ignored = _OF_A_SHARD if _SHARD in ignoring else frozenset()
    options = read_options(before), read_options(now)
    jobs = read_recorded_job(before), read_recorded_job(now)
    for digest, place in _PLACES.items():
        if jobs[0].get(digest) == jobs[1].get(digest) is not None:
            ignored |= {place}
    found = [_change(_NAMES[name], *values) for name, *values in _unequal(*jobs) if name in _NAMES]
    found += [_change(name, *values) for name, *values in _unequal(*options) if name.lstrip("-") not in ignored]
    if found:  # whatever else differs follows from these
        return found
    return [
        _change(_LIST.get(name, f"`{name}`"), *values)
        for name, *values in _unequal(*jobs)
        if name != "command" and name not in ignored
    ]


def make_shard_metadata(metadata: Mapping[str, Any], shard: int, shards: int, span: Span) -> dict[str, Any]:
    """Give the metadata of a shard, from that of the whole dataset.

    Parameters
    ----------
    metadata : mapping
        As `dataset_metadata` makes it for `shards` shards.
    shard : int
        From 0 on.
    shards : int
    span : Span
        The shard's image numbers.
    """
    text = f"{shard}/{shards}"
    command = shlex.join(f"--shard={text}" if word == f"--shards={shards}" else word for word in _all_words(metadata))
    job = {
        **read_recorded_job(metadata),
        "num_images": len(span),
        "start": span.start,
        _SHARD: text,
        "command": command,
    }
    job.pop(_SHARDS, None)
    made = {**metadata, _SHARD: text, "job": json.dumps(job), "command": command}
    made.pop(_SHARDS, None)
    return made


def make_whole_metadata(metadata: Mapping[str, Any], num_images: int, shards: int) -> dict[str, Any]:
    """Give the metadata of a whole dataset, from that of its shard 0.

    Parameters
    ----------
    metadata : mapping
        As `make_shard_metadata` makes it.
    num_images : int
        Of all shards.
    shards : int
    """
    given = f"--shard={metadata[_SHARD]}"
    command = shlex.join(f"--shards={shards}" if word == given else word for word in _all_words(metadata))
    job = {**read_recorded_job(metadata), "num_images": num_images, _SHARDS: shards, "command": command}
    del job[_SHARD]
    made = {**metadata, "creation_timestamp": time.time(), _SHARDS: shards, "job": json.dumps(job), "command": command}
    del made[_SHARD]
    return made


def join_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metadata of a dataset that consists of shards as it is once they are one."""
    job = read_recorded_job(metadata)
    if _SHARDS not in job:  # it consists of none, whatever else somebody has told of it
        return dict(metadata)
    given = f"--shards={job.pop(_SHARDS)}"
    command = shlex.join(word for word in _all_words(metadata) if word != given)
    made = {**metadata, "job": json.dumps({**job, "command": command}), "command": command}
    made.pop(_SHARDS, None)
    return made


def _all_words(metadata: Mapping[str, Any]) -> list[str]:
    """Give the words of the recorded command; none where there is no such thing."""
    command = metadata.get("command")
    if not isinstance(command, str):
        return []
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _unequal(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Give the entries that differ, or that one of two lacks, with both values."""
    names = dict.fromkeys([*before, *now])
    return [(name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)]


def _change(name: str, before: Any, now: Any) -> str:
    """Say that a value has changed."""
    is_option = name.startswith("--")
    texts = []
    for value in (before, now):
        if value is None:
            texts.append("not given" if is_option else "not recorded")
        elif value == "":
            texts.append("empty")
        else:
            text = str(value)
            texts.append(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    return f"{name} was {texts[0]} and is {texts[1]}"
