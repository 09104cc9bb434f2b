"""Compares how datasets were made: by the same job or not, and how the jobs differ.

A job divided into shards is one job: a shard's metadata follow from the whole's, and the whole's from a shard's.
"""

import json
import shlex
import time
from collections.abc import Collection, Mapping
from typing import Any

from number_generator.job.spec import Span

_SHARD, _SHARDS = "shard", "shards"
_OF_A_SHARD = frozenset({_SHARD, _SHARDS, "num_images", "start"})
_NAMES = {
    "digits_sha256": "the digits (SHA-256)",
    "package_version": "number_generator",
    "render_version": "the version of the pixels",
    "style_version": "the version of the styles",
    "writers_sha256": "who wrote which digit (SHA-256)",
    "paper_sha256": "the paper images (SHA-256)",
}
"""Entries that are reported even if an option differs, as they cannot follow from one."""
_LIST = {"sha256": "the list of numbers (SHA-256)"}
_PLACES = {"digits_sha256": "digits", "sha256": "sequences", "paper_sha256": "paper"}
"""By the entry with a file's digest, the option that names the file."""
_LONGEST = 80


def read_recorded_job(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of the job that made a dataset, or an empty one if it has none."""
    try:
        job = json.loads(metadata["job"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return job if isinstance(job, dict) else {}


def read_options(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of the command that made a dataset, or none if it does not record them.

    The values of a repeated option are joined by spaces.
    """
    options: dict[str, str] = {}
    for word in _split_command(metadata)[1:]:
        name, equals, given = word.partition("=")
        value = given if equals else "given"
        options[name] = f"{options[name]} {value}" if name in options else value
    return options


def find_differences(
    before: Mapping[str, Any], now: Mapping[str, Any], *, ignoring: Collection[str] = frozenset()
) -> list[str]:
    """Return a sentence for each difference between two datasets' jobs, from their metadata.

    There is none if both make the same images, labels and ground truth: the paths of digits and lists of numbers do not
    count if their SHA-256 are equal, nor, with "shard" in `ignoring`, which shards of one job they are.

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
    found = [_describe_change(_NAMES[name], *values) for name, *values in _find_unequal(*jobs) if name in _NAMES]
    found += [
        _describe_change(name, *values) for name, *values in _find_unequal(*options) if name.lstrip("-") not in ignored
    ]
    if found:  # any other difference follows from these
        return found
    return [
        _describe_change(_LIST.get(name, f"`{name}`"), *values)
        for name, *values in _find_unequal(*jobs)
        if name != "command" and name not in ignored
    ]


def make_shard_metadata(metadata: Mapping[str, Any], shard: int, shards: int, span: Span) -> dict[str, Any]:
    """Make the metadata of a shard, numbered from 0, from that of the whole dataset, made for as many shards."""
    return _exchange(metadata, {_SHARDS: shards}, {_SHARD: f"{shard}/{shards}"}, num_images=len(span), start=span.start)


def make_whole_metadata(metadata: Mapping[str, Any], num_images: int, shards: int) -> dict[str, Any]:
    """Make the metadata of a whole dataset, of `num_images` in all shards, from that of its shard 0."""
    metadata = {**metadata, "creation_timestamp": time.time()}
    return _exchange(metadata, {_SHARD: metadata[_SHARD]}, {_SHARDS: shards}, num_images=num_images)


def join_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Make the metadata of a dataset whose shards have become one."""
    job = read_recorded_job(metadata)
    # If it has no shards, other metadata may still use the word.
    return _exchange(metadata, {_SHARDS: job[_SHARDS]}, {}) if _SHARDS in job else dict(metadata)


def _exchange(
    metadata: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], **changes: Any
) -> dict[str, Any]:
    """Return metadata with one entry, and option of the command, in place of another, and changes of the job."""
    given, words = ([f"--{name}={value}" for name, value in entry.items()] for entry in (old, new))
    command = shlex.join(
        exchanged for word in _split_command(metadata) for exchanged in (words if word in given else [word])
    )
    job = {**read_recorded_job(metadata), **changes, **new, "command": command}
    made = {**metadata, **new}
    for name in old:
        job.pop(name, None)
        made.pop(name, None)
    return {**made, "job": json.dumps(job), "command": command}


def _split_command(metadata: Mapping[str, Any]) -> list[str]:
    """Return the words of the recorded command, or none if there is no valid one."""
    command = metadata.get("command")
    if not isinstance(command, str):
        return []
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _find_unequal(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the entries that differ or that one lacks, with both values."""
    names = dict.fromkeys([*before, *now])
    return [(name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)]


def _describe_change(name: str, before: Any, now: Any) -> str:
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
