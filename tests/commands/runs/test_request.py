"""What the options ask for is checked before anything heavy loads."""


def test_a_wrong_option_is_reported_before_compiled_code_is_loaded(run_python):
    code = """
import sys
from number_generator import entry

for option in "--image-width=0", "--num-images=0", "--pattern=", "--seed=-1", "--workers=0", "--labels=json":
    sys.argv[1:] = [option]
    status = None
    try:
        entry.generate_phone_numbers()
    except SystemExit as exc:
        status = exc.code
    loaded = {"numba", "h5py", "PIL", "tqdm", "number_generator.commands.runs.plan"} & set(sys.modules)
    assert (status, loaded) == (2, set()), option
"""

    run_python(code)
