"""Styles and the values of their parameters, for properties that hold for all of them."""

import json

from hypothesis import strategies as st

from number_generator import Normal, Uniform
from number_generator.job.handwriting import STYLES, parameters

PARAMETERS = {parameter.name: parameter for parameter in parameters()}


def uniforms(parameter):
    ends = st.floats(parameter.low, parameter.high)
    return st.builds(lambda pair, per_job: Uniform(*sorted(pair), per_job), st.tuples(ends, ends), st.booleans())


def cut_normals(parameter):
    anything = st.floats(-1e6, 1e6)
    return st.builds(
        lambda mean, sd, cut, per_job: Normal(mean, abs(sd), cut.low, cut.high, per_job),
        anything,
        anything,
        uniforms(parameter),
        st.booleans(),
    )


def uncut_normals(parameter):
    def made(mean, part, per_job):
        return Normal(mean, part * min(mean - parameter.low, parameter.high - mean) / 3.5, per_job=per_job)

    means = st.floats(parameter.low, parameter.high, allow_subnormal=False)
    return st.builds(made, means, st.floats(0, 0.99, allow_subnormal=False), st.booleans())


def values(parameter):
    """Everything that a parameter can be."""
    if parameter.scope == "choice":
        return st.sampled_from(parameter.choices)
    if parameter.scope == "share":
        return st.floats(0, 1)
    return uniforms(parameter) | cut_normals(parameter) | uncut_normals(parameter)


def styles():
    changes = st.fixed_dictionaries({}, optional={name: values(parameter) for name, parameter in PARAMETERS.items()})
    return st.builds(lambda style, changed: style.replace(**changed), st.sampled_from(list(STYLES.values())), changes)


def toml_text(table):
    """Write what `to_dict` gives as TOML, each value in its inline form."""

    def text(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {text(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        return json.dumps(value)

    return "".join(f"{key} = {text(value)}\n" for key, value in table.items())
