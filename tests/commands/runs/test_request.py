"""What the options ask for is checked before anything heavy loads."""

import pytest


@pytest.mark.parametrize(
    "argument", ["--image-width=0", "--num-images=0", "--pattern=", "--seed=-1", "--workers=0", "--labels=json"]
)
def test_a_wrong_option_is_reported_before_compiled_code_is_loaded(run_python, argument):
    code = """
import sys
from number_generator import entry

try:
    entry.generate_phone_numbers()
except SystemExit as exc:
    assert exc.code == 2
assert not {"numba", "h5py", "PIL", "tqdm", "number_generator.commands.runs.plan"} & set(sys.modules)
"""

    run_python(code, argument)
