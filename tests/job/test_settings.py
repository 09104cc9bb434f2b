"""Settings: single parameters as text, and the text of a style."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from styles import PARAMETERS, styles, toml_text, values

from number_generator import Normal, Uniform
from number_generator.errors import SpecError
from number_generator.job.distributions import dump_distribution, parse_distribution, to_distribution
from number_generator.job.handwriting import STYLES, checked_style, with_settings

CLEAN = STYLES["clean"]
DISTRIBUTIONS = st.sampled_from([PARAMETERS["slant"], PARAMETERS["jpeg_quality"]]).flatmap(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("slant=-0.2:0.4", Uniform(-0.2, 0.4)),
        ("slant=0.1", Uniform(0.1, 0.1)),
        ("slant=1", Uniform(1.0, 1.0)),
        ("slant=-.5:-1e-3", Uniform(-0.5, -0.001)),
        ("slant=+.5:1.", Uniform(0.5, 1.0)),
        ("slant=normal(0.1,0.05)", Normal(0.1, 0.05)),
        ("slant=normal(0.1, 0.05, -0.3, 0.5)", Normal(0.1, 0.05, -0.3, 0.5)),
        ("slant=job(-0.2:0.4)", Uniform(-0.2, 0.4, per_job=True)),
        ("slant=job(0.1)", Uniform(0.1, 0.1, per_job=True)),
        ("slant=job(normal(0.1, 0.05))", Normal(0.1, 0.05, per_job=True)),
        ("slant=job(normal(0,9,-1,1))", Normal(0, 9, -1, 1, per_job=True)),
        (" slant = -0.2 : 0.4 ", Uniform(-0.2, 0.4)),
        ("slant = job ( normal ( 0.1 , 0.05 ) )", Normal(0.1, 0.05, per_job=True)),
        ("writer=cluster", "cluster"),
        (" writer = cluster ", "cluster"),
        ("fill=0.3", Uniform(0.3, 0.3)),
    ],
)
def test_a_setting_changes_one_parameter(text, value):
    name = text.partition("=")[0].strip()

    assert with_settings(CLEAN, [text]) == CLEAN.replace(**{name: value})


def test_settings_keep_the_rest_and_the_later_one_counts():
    natural = STYLES["natural"]

    assert with_settings(natural, ["slant=0.1", "rotation=1:2", "slant=0.2"]) == natural.replace(
        slant=0.2, rotation=(1, 2)
    )
    assert with_settings(natural, []) == natural


NO_DISTRIBUTION = r"slant: the value is .*: give a number, low:high, normal\(mean, sd\)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slant", "the setting is 'slant': give NAME=VALUE, such as slant=-0.2:0.4"),
        ("", "the setting is '': give NAME=VALUE"),
        ("slnt=0.1", "there is no handwriting parameter 'slnt': did you mean 'slant'"),
        ("=0.1", "there is no handwriting parameter ''"),
        ("base=natural", "there is no handwriting parameter 'base'"),
        ("slant=", NO_DISTRIBUTION),
        ("slant==0.1", NO_DISTRIBUTION),
        ("slant=much", NO_DISTRIBUTION),
        ("slant=cluster", NO_DISTRIBUTION),
        ("slant=0.1:", NO_DISTRIBUTION),
        ("slant=:0.1", NO_DISTRIBUTION),
        ("slant=0:0.1:0.2", NO_DISTRIBUTION),
        ("slant=0,1", NO_DISTRIBUTION),
        ("slant=0 1", NO_DISTRIBUTION),
        ("slant=(0:1)", NO_DISTRIBUTION),
        ("slant=[0, 1]", NO_DISTRIBUTION),
        ("slant=0x1", NO_DISTRIBUTION),
        ("slant=normal", NO_DISTRIBUTION),
        ("slant=normal()", NO_DISTRIBUTION),
        ("slant=normal(0.1)", NO_DISTRIBUTION),
        ("slant=normal(0.1, 0.05, 0.1)", NO_DISTRIBUTION),
        ("slant=normal(0, 1, 0, 1, 0)", NO_DISTRIBUTION),
        ("slant=normal(0.1, 0.05", NO_DISTRIBUTION),
        ("slant=normal(0.1; 0.05)", NO_DISTRIBUTION),
        ("slant=normal(0:1)", NO_DISTRIBUTION),
        ("slant=normal(normal(0, 1))", NO_DISTRIBUTION),
        ("slant=uniform(0, 1)", NO_DISTRIBUTION),
        ("slant=job()", NO_DISTRIBUTION),
        ("slant=job", NO_DISTRIBUTION),
        ("slant=job(job(1))", NO_DISTRIBUTION),
        ("slant=normal(job(0), 1)", NO_DISTRIBUTION),
        ("slant=job(0:1", NO_DISTRIBUTION),
        ("slant=" + "9" * 100_000 + "x", NO_DISTRIBUTION),
        ("slant=0.4:-0.2", "slant: the range is 0.4:-0.2: the low end exceeds the high one; swap them"),
        ("slant=normal(0, -1)", "slant: the standard deviation is -1: give 0 or more"),
        ("slant=nan", "slant: the low end is nan: give a finite number"),
        ("slant=-inf:inf", "slant: the low end is -inf: give a finite number"),
        ("slant=1e999", "slant: the low end is inf: give a finite number"),
        ("slant=1.5", "slant: the value is 1.5: give values from -1 to 1"),
        (
            "slant=normal(0, 1)",
            r"slant: the value is .*, which reaches from -3.5 to 3.5: give values from -1 to 1 .*, or cut it off "
            r"there, as in normal\(0, 1, -1, 1\)$",
        ),
        ("slant=job(normal(0, 1, -2, 2))", r"slant: the value is .* from -2 to 2: give values from -1 to 1 \([^)]*\)$"),
        ("fill=0:1", "fill: the value is 0:1: it is a share; give one number from 0 to 1"),
        ("fill=job(0.5)", r"fill: the value is job\(0.5\): it is a share"),
        ("writer=0.1", "writer is '0.1': give 'mixed'"),
        ("writer=job(mixed)", r"writer is 'job\(mixed\)': give 'mixed'"),
    ],
)
def test_a_wrong_setting_gets_one_error(text, message):
    with pytest.raises(SpecError, match=f"^{message}") as caught:
        with_settings(CLEAN, [text])

    assert len(str(caught.value)) < 300


def test_the_settings_of_a_named_style_are_its_name():
    assert {name: style.settings() for name, style in STYLES.items()} == {name: (name, []) for name in STYLES}


def test_settings_show_what_was_given_and_no_more():
    style = STYLES["natural"].replace(
        slant=Normal(0.1, 0.05), rotation=(-1, 1), fill=0.1, size=Uniform(0.9, 1e-5 + 1, True), writer="mixed"
    )

    assert style.settings() == (
        "natural",
        ["size=job(0.9:1.00001)", "fill=0.1", "slant=normal(0.1, 0.05)", "rotation=-1:1", "writer=mixed"],
    )


@given(styles())
def test_the_settings_of_a_style_give_it_back(style):
    name, settings = style.settings()

    assert with_settings(STYLES[name], settings) == style


@given(styles())
def test_the_settings_of_a_style_from_a_file_give_it_back(tmp_path_factory, style):
    path = tmp_path_factory.mktemp("style") / "style.toml"
    path.write_text(toml_text(style.to_dict()), encoding="utf-8")

    name, settings = checked_style(path).settings()

    assert with_settings(STYLES[name], settings) == style


@given(DISTRIBUTIONS)
@example(Uniform(5e-324, 1.7976931348623157e308))
@example(Uniform(-1e16, 1e22, per_job=True))
@example(Normal(0.1 + 0.2, 1 / 3, -1 / 3, 2 / 3, per_job=True))
def test_a_distribution_comes_back_from_its_forms(distribution):
    assert parse_distribution(str(distribution)) == distribution
    assert to_distribution(dump_distribution(distribution)) == distribution
    assert to_distribution(distribution) is distribution


@given(
    st.text() | st.text("0159.:-+eE(), \n") | st.from_regex(r"(job\()?(normal)?\(?[-0-9.,: e]*\)?\)?", fullmatch=True)
)
@example("٣")
def test_a_hostile_setting_gives_a_style_or_one_error(text):
    try:
        style = with_settings(CLEAN, [f"slant={text}"])
    except SpecError as exc:
        assert "\n" not in str(exc)
        assert len(str(exc)) < 300
    else:
        name, settings = style.settings()
        assert with_settings(STYLES[name], settings) == style
