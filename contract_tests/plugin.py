"""What pytest loads of an installed kit: the way to the suite, where it is asked for."""

import pytest


@pytest.hookimpl
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Brings the suite's options and fixtures if an argument names the suite.

    Only then, because other projects have options of the same names.
    """
    if any("contract_tests" in arg and not arg.startswith("-") for arg in args):
        early_config.pluginmanager.import_plugin("contract_tests.door")
