"""Optional packages that are missing: the error names the extra, whichever module is the first to need one."""

import pytest

from number_generator.system import optional

WITHOUT = """
import sys
from importlib import import_module
from number_generator.errors import MissingExtraError

module, package = sys.argv[1:]
sys.modules[package] = None  # as if it were not installed
try:
    import_module(module)
except MissingExtraError as exc:
    print(exc)
"""


@pytest.mark.parametrize(("module", "package"), [("torch", "torch"), ("dask", "dask")])
def test_a_module_of_an_extra_names_it(run_python, module, package):
    said = run_python(WITHOUT, f"number_generator.{module}", package)

    assert said.strip() == (
        f"number_generator.{module} needs the package {package}, which is not installed: in the checkout, pip install "
        f"'.[{module}]'"
    )


def test_what_an_optional_package_lacks_itself_is_not_taken_for_it(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(optional.importlib, "import_module", broken)

    with pytest.raises(ModuleNotFoundError, match="numpy"):
        optional.import_optional("torch", "torch", "number_generator.torch")
