"""What pytest loads of an installed kit: the way to the suite, where it is asked for."""

from importlib import import_module

import pytest


@pytest.hookimpl
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Brings the suite's options and fixtures if an argument names the suite.

    Only then, because other projects have options of the same names.
    """
    if any("contract_tests" in arg and not arg.startswith("-") for arg in args):
        try:
            door = import_module("contract_tests.door")
        except ModuleNotFoundError as error:
            raise pytest.UsageError(
                f"contract_tests needs {error.name}: pip install -e '.[contract]' in a clone of the"
                " kit, or pip install 'openai-server-kit[contract]'"
            ) from None
        early_config.pluginmanager.register(door, "contract_tests.door")
