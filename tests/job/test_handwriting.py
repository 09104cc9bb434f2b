"""The spec of handwriting: its parameters, its plain, file and text forms, and its errors."""

import copy
import dataclasses
import doctest
import json
import math
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from styles import PARAMETERS, styles, toml_text

from number_generator import Handwriting, Normal, Uniform
from number_generator.errors import SpecError
from number_generator.job import distributions, handwriting
from number_generator.job.handwriting import STYLES, checked_style, parameters

# These numbers must never change: another one draws other values, and the images of a seed would be others.
STREAMS = {
    "crop": 32,
    "height": 33,
    "size": 34,
    "gap": 35,
    "gap_jitter": 36,
    "wide_gap": 37,
    "wide_gap_size": 38,
    "squeeze": 39,
    "fill": 40,
    "margin": 41,
    "position": 42,
    "vertical_position": 43,
    "slant": 48,
    "rotation": 49,
    "drift": 50,
    "thickness": 51,
    "consistency": 52,
    "writer": 53,
    "size_jitter": 64,
    "aspect": 65,
    "baseline_jitter": 66,
    "slant_jitter": 67,
    "rotation_jitter": 68,
    "thickness_jitter": 69,
    "warp": 70,
    "upstroke": 80,
    "crossbar": 81,
    "tail": 82,
    "open_loop": 83,
    "inner_marks": 96,
    "end_marks": 97,
    "ink": 112,
    "ink_drift": 113,
    "ink_texture": 114,
    "softness": 115,
    "paper": 128,
    "gradient": 129,
    "texture": 130,
    "waves": 131,
    "wave_strength": 132,
    "fibres": 133,
    "fibre_strength": 134,
    "ruled": 135,
    "boxed": 136,
    "rule_strength": 137,
    "padding": 138,
    "own_paper": 139,
    "own_paper_scale": 140,
    "own_paper_shading": 141,
    "pen_blue": 118,
    "pen_red": 119,
    "paper_tint": 120,
    "rule_colour": 121,
    "speckle": 144,
    "blur": 145,
    "noise": 146,
    "jpeg": 147,
    "jpeg_quality": 148,
    "auto_levels": 149,
    "invert": 150,
    "loose": 44,
    "loose_height": 45,
    "loose_margin": 46,
    "intrusion": 47,
    "intrusion_reach": 54,
    "size_drift": 55,
    "slant_drift": 56,
    "gap_drift": 57,
    "large_start": 58,
    "squeezed_end": 59,
    "letterforms": 84,
    "letterform_mix": 85,
    "letterform_set": 87,
    "letterform_constancy": 86,
    "links": 88,
    "proportions": 72,
    "zero_size": 73,
    "zero_rise": 74,
    "zero_shrink": 75,
    "old_style": 76,
}

CLEAN = STYLES["clean"]
HUGE = 10**5000  # more digits than Python turns into text
HUGE_CASE = pytest.param(HUGE, id="huge")


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["low", "high", "mean", "sd", "per_job"]) | st.text(max_size=3), inner)
    ),
    max_leaves=6,
)


@pytest.fixture
def write(tmp_path):
    """Return a writer of a style file."""

    def written(content):
        path = tmp_path / "style.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


# --- what is declared


def test_every_parameter_keeps_its_stream():
    assert {parameter.name: parameter.stream for parameter in parameters()} == STREAMS


def test_no_two_parameters_share_a_stream():
    assert len({parameter.stream for parameter in parameters()}) == len(parameters())


@pytest.mark.parametrize("parameter", parameters(), ids=lambda parameter: parameter.name)
def test_every_parameter_is_described(parameter):
    assert parameter.text
    assert parameter.group
    if parameter.scope == "choice":
        assert parameter.default == parameter.choices[0]
        assert len(set(parameter.choices)) == len(parameter.choices) > 1
    else:
        assert parameter.unit
        assert parameter.choices == ()
        assert parameter.low < parameter.high
    if parameter.scope == "share":
        assert (parameter.low, parameter.high) == (0, 1)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_limits_contain_the_named_styles(style):
    for parameter in parameters():
        value = getattr(style, parameter.name)
        if parameter.scope == "choice":
            assert value in parameter.choices
        else:
            low, high = value.bounds()
            assert parameter.low <= low <= high <= parameter.high, parameter.name


def test_groups_stand_together_in_the_order_of_the_parameters():
    groups = [parameter.group for parameter in parameters()]

    assert list(dict.fromkeys(groups)) == [
        "Layout",
        "Line",
        "Glyph",
        "Forms",
        "Proportions",
        "Marks",
        "Ink",
        "Paper",
        "Own paper",
        "Colour",
        "Scan",
    ]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)


# --- styles


def test_without_arguments_handwriting_is_clean():
    assert Handwriting() == CLEAN == Handwriting.named("clean")
    assert Handwriting().is_clean
    assert all(getattr(CLEAN, parameter.name) == parameter.default for parameter in parameters())


def test_the_named_styles_are_three_different_ones():
    assert list(STYLES) == ["clean", "natural", "document"]
    assert len(set(STYLES.values())) == 3
    assert [name for name in STYLES if Handwriting.named(name).is_clean] == ["clean"]


def test_natural_leaves_paper_and_scan_alone():
    groups = {
        parameter.group
        for parameter in parameters()
        if getattr(STYLES["natural"], parameter.name) != getattr(CLEAN, parameter.name)
    }

    assert groups == {"Layout", "Line", "Glyph", "Forms", "Proportions", "Ink"}


def test_replacing_a_parameter_changes_that_one_alone():
    natural = STYLES["natural"]

    changed = natural.replace(slant=(0, 0.5))

    assert changed.slant == Uniform(0, 0.5)
    assert {name for name in PARAMETERS if getattr(changed, name) != getattr(natural, name)} == {"slant"}
    assert natural == Handwriting.named("natural")


def test_a_style_is_found_by_name_file_or_itself(write):
    path = write('base = "natural"\n')

    assert checked_style("document") is STYLES["document"]
    assert checked_style(path) == checked_style(str(path)) == STYLES["natural"]
    assert checked_style(STYLES["natural"]) is STYLES["natural"]


@pytest.mark.parametrize("style", ["Clean", "", "a.json", None, 3, ["clean"], b"clean", {"slant": 1}, HUGE_CASE])
def test_what_is_no_style_is_refused(style):
    with pytest.raises(
        SpecError,
        match=r"^style is .*: (did you mean 'clean'\? )?give 'clean', 'natural' or 'document', a file that ends in",
    ):
        checked_style(style)


@pytest.mark.parametrize("name", ["wild", "", None, ["clean"]])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(SpecError, match=r"^there is no style .*: give 'clean', 'natural' or 'document'$"):
        Handwriting.named(name)


# --- values


@pytest.mark.parametrize("one", [1, 1.0, np.float64(1), np.float32(1), np.int64(1), np.uint8(1), Fraction(1)])
def test_a_number_is_a_float_whatever_its_type(one):
    style = Handwriting(slant=one, rotation=(-1, one), size=Normal(one, one, one, one))

    assert style == Handwriting(slant=1.0, rotation=(-1.0, 1.0), size=Normal(1.0, 1.0, 1.0, 1.0))
    assert hash(style) == hash(Handwriting(slant=1, rotation=[-1, 1], size=Normal(1, 1, 1, 1)))
    assert {type(value) for value in (style.slant.low, style.rotation.low, style.size.mean, style.size.low)} == {float}


def test_minus_zero_is_zero_in_every_form():
    style = Handwriting(slant=-0.0, rotation=(-0.0, -0.0), drift=Normal(-0.0, -0.0, -0.0, -0.0))

    assert style.replace(drift=0) == CLEAN
    assert "-0" not in repr(style) + str(style.to_dict()) + str(style.settings())


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        np.bool_(True),
        "much",
        "0.1",
        b"1",
        (),
        (1,),
        (0, 1, 1),
        {0, 1},
        {},
        {"low": 0},
        {"mean": 0},
        {"low": 0, "high": 1, "sd": 1},
        {"mean": 0, "sd": 1, "wide": 1},
        {"slant": 0.1},
        [[0, 1]],
        1j,
        {1: 2},
        [1] * 99,
    ],
)
def test_what_is_no_distribution_is_refused(value):
    with pytest.raises(SpecError, match=r"^slant: the value is .{1,80}: give a number, a pair \(low, high\)"):
        Handwriting(slant=value)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, np.float32("nan"), HUGE_CASE, (0, HUGE), (0, "1"), (False, True), (None, 1)],
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(SpecError, match=r"^slant: the (low|high) end is .{1,80}: give a finite number$"):
        Handwriting(slant=value)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Uniform(0.4, -0.2), "the range is 0.4:-0.2: the low end exceeds the high one; swap them"),
        (lambda: Normal(0, 1, 2, 1), "the range is 2:1: the low end exceeds the high one; swap them"),
        (lambda: Normal(0, -1), "the standard deviation is -1: give 0 or more"),
        (lambda: Normal(math.nan, 1), "the mean is nan: give a finite number"),
        (lambda: Normal(0, "1"), "the standard deviation is '1': give a finite number"),
        (lambda: Normal(0, 1, low=0), "low is 0 and high is None: give both cut-offs or neither"),
        (lambda: Normal(0, 1, high=0), "low is None and high is 0: give both cut-offs or neither"),
        (lambda: Uniform(0, 1, per_job=1), "per_job is 1: give true or false"),
        (lambda: Normal(0, 1, per_job="no"), "per_job is 'no': give true or false"),
    ],
)
def test_a_wrong_distribution_is_refused(made, message):
    with pytest.raises(SpecError) as caught:
        made()

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value", [1.01, -1.01, (-2, 0), (0, 1e300), Normal(0, 0.3), Normal(0, 0.1, -2, 0), Normal(1e308, 1e308)]
)
def test_values_beyond_the_limits_are_refused(value):
    with pytest.raises(SpecError, match=r"^slant: the value is .*: give values from -1 to 1 \(px"):
        Handwriting(slant=value)


@pytest.mark.parametrize(
    "value", [(0, 0.5), (0, 1), Uniform(0, 0, per_job=True), Normal(0.5, 0), Normal(0.5, 0.1, 0, 1), (-1, 2)]
)
def test_a_share_is_one_number(value):
    with pytest.raises(SpecError, match=r"^fill: the value is .*: it is a share; give one number from 0 to 1$"):
        Handwriting(fill=value)
    with pytest.raises(SpecError, match=r"^fill: the value is 1.5.*: give values from 0 to 1"):
        Handwriting(fill=1.5)


@pytest.mark.parametrize("value", ["Mixed", "", None, 0, ["mixed"], Uniform(0, 1)])
def test_a_choice_is_one_of_its_words(value):
    with pytest.raises(SpecError, match=r"^writer is .*: give 'mixed', 'cluster', 'dataset' or 'auto'$"):
        Handwriting(writer=value)


def test_a_choice_is_a_plain_string():
    assert type(Handwriting(writer=np.str_("cluster")).writer) is str


def test_without_cut_offs_a_bell_reaches_three_and_a_half_standard_deviations():
    assert Normal(1, 0.1).bounds() == pytest.approx((0.65, 1.35))
    assert Normal(1, 0.1, 0.9, 1.2).bounds() == (0.9, 1.2)
    assert Uniform(0.9, 1.2).bounds() == (0.9, 1.2)
    assert (Normal(1, 0.1).low, Normal(1, 0.1).high) == (None, None)


@pytest.mark.parametrize("name", ["slnt", "slant ", "", "low", "named", "__class__", "base"])
def test_an_unknown_parameter_is_refused(name):
    with pytest.raises(SpecError, match=r"^there is no handwriting parameter '.*': .*docs/handwriting.md lists them$"):
        CLEAN.replace(**{name: 0.1})


def test_a_near_name_is_suggested():
    with pytest.raises(SpecError, match=r"parameter 'slnt': did you mean 'slant'"):
        CLEAN.replace(slnt=0.1)


# --- a frozen value


def test_a_style_cannot_be_changed():
    for value in (CLEAN, CLEAN.slant, STYLES["natural"].slant, parameters()[0]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, 1)


@given(styles())
def test_a_copy_is_equal_and_has_the_same_hash(style):
    for other in (pickle.loads(pickle.dumps(style)), copy.deepcopy(style), dataclasses.replace(style), style.replace()):
        assert other == style
        assert hash(other) == hash(style)
        assert repr(other) == repr(style)


# --- plain values and files


@given(styles())
def test_plain_values_give_the_style_back(style):
    plain = style.to_dict()

    assert list(plain) == list(PARAMETERS)
    assert Handwriting.from_dict(plain) == style
    assert Handwriting.from_dict(json.loads(json.dumps(plain, allow_nan=False))) == style


@given(styles())
def test_a_file_gives_the_style_back(tmp_path_factory, style):
    path = tmp_path_factory.mktemp("style") / "style.toml"
    for text in (toml_text(style.to_dict()), style.to_toml()):
        path.write_text(text, encoding="utf-8")

        assert Handwriting.from_file(path) == style


def test_a_file_names_the_folder_of_paper_and_what_differs_alone(tmp_path):
    folder = tmp_path / 'my "paper" \x7f'
    folder.mkdir()
    Image.new("L", (20, 20), 200).save(folder / "a.png")
    style = STYLES["document"].replace(paper_images=folder, writer="cluster", slant=Normal(0, 0.1, -0.2, 0.2, True))
    path = tmp_path / "style.toml"

    path.write_text(style.to_toml(), encoding="utf-8")

    assert Handwriting.from_file(path) == style
    assert style.to_toml().splitlines()[:3] == [
        'base = "document"',
        "slant = {mean = 0, sd = 0.1, low = -0.2, high = 0.2, per_job = true}",
        'writer = "cluster"',
    ]


def test_plain_values_are_as_short_as_can_be():
    style = Handwriting(
        slant=(-0.2, 0.4), rotation=Uniform(0, 1, per_job=True), size=Normal(1, 0.1), gap=Normal(0, 1, 0, 1, True)
    )

    plain = style.to_dict()

    assert plain["slant"] == [-0.2, 0.4]
    assert plain["drift"] == 0.0
    assert plain["rotation"] == {"low": 0.0, "high": 1.0, "per_job": True}
    assert plain["size"] == {"mean": 1.0, "sd": 0.1}
    assert plain["gap"] == {"mean": 0.0, "sd": 1.0, "low": 0.0, "high": 1.0, "per_job": True}
    assert plain["writer"] == "mixed"


def test_a_file_builds_upon_its_base(write):
    path = write(
        'base = "natural" # a comment\nslant = [-0.2, 0.4]\nwriter = "mixed"\n[rotation]\nmean = 1\nsd = 0.5\n'
    )

    style = Handwriting.from_file(path)

    assert style == STYLES["natural"].replace(slant=(-0.2, 0.4), writer="mixed", rotation=Normal(1, 0.5))


def test_a_file_without_base_builds_upon_clean(write):
    assert Handwriting.from_file(write("")) == CLEAN
    assert Handwriting.from_file(write("slant = 1")) == CLEAN.replace(slant=1.0)


def test_a_file_may_begin_with_a_byte_order_mark_and_have_lines_of_windows(write):
    path = write(b'\xef\xbb\xbfbase = "document"\r\nslant = 0.5\r\n')

    assert Handwriting.from_file(path) == STYLES["document"].replace(slant=0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("slnt = 0.1", "there is no handwriting parameter 'slnt': did you mean 'slant'"),
        ("[style]\nslant = 0.1", "there is no handwriting parameter 'style'"),
        ('base = "wild"', "there is no style 'wild': give 'clean', 'natural' or 'document'"),
        ("base = 3", "there is no style 3: give 'clean'"),
        ("base = {slant = 1}", "there is no style {'slant': 1}: give 'clean'"),
        ('slant = "much"', "slant: the value is 'much': give a number"),
        ("slant = true", "slant: the value is True: give a number"),
        ("slant = 2020-01-01", "slant: the value is datetime.date"),
        ("slant = []", r"slant: the value is \[\]: give a number"),
        ("slant = [0.4, -0.2]", "slant: the range is 0.4:-0.2: the low end exceeds the high one"),
        ("slant = {low = 1, high = 0}", "slant: the range is 1:0: the low end exceeds the high one"),
        ("slant = {low = 0}", "slant: the value is {'low': 0}: give a number"),
        ("[slant.line]\nlow = 0\nhigh = 1", "slant: the value is {'line': .*}: give a number"),
        ("slant = {low = 0, high = [1]}", r"slant: the high end is \[1\]: give a finite number"),
        ("slant = {mean = 0, sd = -1}", "slant: the standard deviation is -1: give 0 or more"),
        ("slant = {mean = 0, sd = 0.1, low = 0}", "slant: low is 0 and high is None: give both"),
        ('slant = {low = 0, high = 1, per_job = "yes"}', "slant: per_job is 'yes': give true or false"),
        ("slant = 1.5", "slant: the value is 1.5: give values from -1 to 1"),
        ("slant = nan", "slant: the low end is nan: give a finite number"),
        ("slant = [-inf, inf]", "slant: the low end is -inf: give a finite number"),
        ("slant = 1e999", "slant: the low end is inf: give a finite number"),
        (f"slant = 1{'0' * 400}", "slant: the low end is 1000*.*: give a finite number"),
        (f"slant = 0x{'f' * 9000}", "slant: the low end is a huge int: give a finite number"),
        (f"slant = [0x{'f' * 9000}]", "slant: the value is a huge list: give a number"),
        ("fill = [0.2, 0.4]", "fill: the value is 0.2:0.4: it is a share"),
        ("writer = 'me'", "writer is 'me': give 'mixed', 'cluster', 'dataset' or 'auto'"),
    ],
)
def test_a_file_of_wrong_values_gets_one_error_with_its_name(write, content, message):
    path = write(content)

    with pytest.raises(SpecError, match=rf"style\.toml: {message}"):
        Handwriting.from_file(path)


@pytest.mark.parametrize(
    "content",
    [
        "slant",
        "slant = ",
        "slant = 1\nslant = 2",
        "{}",
        "slant = 1" + "0" * 9000,
        "a = " + "[" * 100000,
        b"slant = 1 # \xff",
        "slant = 1".encode("utf-16"),
        b"\x00",
        b"\x89HDF\r\n\x1a\n",
    ],
)
def test_a_file_that_is_no_toml_is_refused(write, content):
    path = write(content)

    with pytest.raises(SpecError, match=r"^the style .*style\.toml is not a TOML file: .") as caught:
        Handwriting.from_file(path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(write, end):
    assert Handwriting.from_file(write(f"slant = 1{end}rotation = 2{end}")) == CLEAN.replace(slant=1.0, rotation=2.0)


def test_a_file_without_end_is_not_read(tmp_path, write):
    with pytest.raises(SpecError, match=r"style\.toml: it has more than 1 MiB; give a smaller file"):
        Handwriting.from_file(write("#" * (2**20 + 1)))
    if Path("/dev/zero").exists():
        (tmp_path / "zero.toml").symlink_to("/dev/zero")
        with pytest.raises(SpecError, match=r"the style .*zero\.toml: this is a device; give a file"):
            Handwriting.from_file(tmp_path / "zero.toml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path / "missing.toml", tmp_path, tmp_path / "missing" / "style.toml"):
        with pytest.raises(SpecError, match=r"^the style .* cannot be read: .+; name a TOML file$"):
            Handwriting.from_file(path)
    with pytest.raises(SpecError, match=r"^the style missing.toml cannot be read: No such file"):
        checked_style("missing.toml")


@pytest.mark.parametrize("table", [None, [], "slant", 3, [("slant", 1)]])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(SpecError, match=r"^the style is .*: give a table of parameters by name$"):
        Handwriting.from_dict(table)


@given(st.dictionaries(st.sampled_from(["slant", "fill", "writer", "base"]) | st.integers() | st.text(), HOSTILE))
def test_hostile_plain_values_give_a_style_or_one_error(table):
    try:
        style = Handwriting.from_dict(table)
    except SpecError as exc:
        assert "\n" not in str(exc)
        assert len(str(exc)) < 400
    else:
        assert Handwriting.from_dict(style.to_dict()) == style


@pytest.mark.parametrize("table", [{HUGE: 1}, {("slant",): HUGE}, {"base": HUGE}, {"writer": HUGE}, {"fill": [HUGE]}])
def test_plain_values_too_large_to_show_give_one_error(table):
    with pytest.raises(SpecError, match=r"a huge (int|list)|there is no handwriting parameter"):
        Handwriting.from_dict(table)


# --- the module


@pytest.mark.parametrize("module", [distributions, handwriting])
def test_the_examples_of_the_docstrings_run(module):
    result = doctest.testmod(module, raise_on_error=False)

    assert result.attempted > 0
    assert result.failed == 0


def test_a_style_loads_nothing_heavy(run_python, tmp_path):
    path = tmp_path / "style.toml"
    path.write_text('base = "document"\nslant = [0, 0.1]\n', encoding="utf-8")
    code = """
import sys
from number_generator import Handwriting, Normal, Uniform
Handwriting.from_file(sys.argv[1]).settings()
for name in ("numpy", "numba", "h5py", "PIL", "tqdm", "difflib", "number_generator.job.spec"):
    assert name not in sys.modules, name
"""

    run_python(code, str(path))
