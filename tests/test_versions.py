"""Each of the four packages tells its version, and stays light while it does."""

import importlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

PACKAGES = ("analognas", "search_spaces", "surrogates", "hwsim")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_version_is_that_of_the_installed_distribution(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__version__ == version("analognas")
    assert "__version__" in module.__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_a_source_tree_that_is_not_installed_has_an_unknown_version(package: str, monkeypatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert importlib.import_module(package).__version__ == "0+unknown"


@pytest.mark.parametrize("package", PACKAGES)
def test_any_other_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"{package}.*'__verison__'"):
        importlib.import_module(package).__verison__  # noqa: B018  # the access is the test


@pytest.mark.parametrize("package", ["analognas", "search_spaces", "hwsim"])
def test_asking_for_the_version_does_not_import_torch(package: str) -> None:
    code = f"import sys, {package}; assert {package}.__version__; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
