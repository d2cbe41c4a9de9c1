"""`python -m contract_tests`: the suite without the adapter."""

from contract_tests.cli import check

check(prog_name="contract_tests")
