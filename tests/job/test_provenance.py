"""What tells that two datasets are of one job, and in what they differ."""

import json

import pytest

from number_generator.job.provenance import (
    find_differences,
    join_metadata,
    make_shard_metadata,
    make_whole_metadata,
    read_options,
    read_recorded_job,
)
from number_generator.job.spec import Span


def about(*words, **job):
    command = " ".join(["generate-phone-numbers", *words])
    return {"command": command, "job": json.dumps({"command": command, **job})}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (about("--seed=1"), about("--seed=1"), []),
        (about("--seed=1"), about("--seed=2"), ["--seed was 1 and is 2"]),
        (about("--seed=1"), about("--seed=1", "--dashes"), ["--dashes was not given and is given"]),
        (about("--digits="), about("--digits=./mine"), ["--digits was empty and is ./mine"]),
        (about("--digits=a", digits_sha256="1"), about("--digits=b", digits_sha256="1"), []),
        (
            about("--sequences=/a", sha256="1", sequences="/a"),
            about("--sequences=/b", sha256="1", sequences="/b"),
            [],
        ),
        (about("--set=a=1", "--set=b=2"), about("--set=a=1"), ["--set was a=1 b=2 and is a=1"]),
        (
            about("--seed=1", package_version="1.0"),
            about("--seed=2", package_version="1.1"),
            ["number_generator was 1.0 and is 1.1", "--seed was 1 and is 2"],
        ),
        (
            about(sha256="a" * 64),
            about(sha256="b" * 64),
            [f"the list of numbers (SHA-256) was {'a' * 64} and is {'b' * 64}"],
        ),
        (about("--seed=1", start=0), about("--seed=2", start=1), ["--seed was 1 and is 2"]),
        (about(x="a" * 99), about(x=None), [f"`x` was {'a' * 80}... and is not recorded"]),
        ({}, about("--seed=1", height=28), ["--seed was not given and is 1"]),
    ],
)
def test_each_difference_is_named(before, now, told):
    assert find_differences(before, now) == told


def test_the_time_of_creation_makes_no_difference():
    assert find_differences({**about(), "creation_timestamp": 1}, {**about(), "creation_timestamp": 2}) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"job": 3, "command": 4},
        {"job": "[1]", "command": "'unclosed"},
        {"job": "{", "command": None},
        {"job": "[" * 9999},
    ],
)
def test_datasets_of_others_tell_nothing(metadata):
    assert read_recorded_job(metadata) == {}
    assert read_options(metadata) == {}


def test_shards_that_have_become_one_tell_of_none():
    whole = {**about("--seed=1", "--shards=3", shards=3), "shards": 3}

    assert join_metadata(whole) == about("--seed=1")
    mine = {**about("--seed=1"), "shards": "of glass"}
    assert join_metadata(mine) == mine


def test_a_shard_and_the_whole_follow_from_each_other():
    whole = {
        **about("--num-images=10", "--shards=3", num_images=10, start=5, shards=3),
        "shards": 3,
        "seed": 1,
        "creation_timestamp": 1.5,
    }

    shard = make_shard_metadata(whole, 0, 3, Span(5, 8))

    assert (shard["shard"], read_recorded_job(shard)["shard"]) == ("0/3", "0/3")
    assert (read_recorded_job(shard)["start"], read_recorded_job(shard)["num_images"]) == (5, 3)
    assert shard["command"] == "generate-phone-numbers --num-images=10 --shard=0/3"
    again = make_whole_metadata(shard, 10, 3)
    assert {**again, "creation_timestamp": 1.5} == whole
    assert find_differences(again, whole) == []
