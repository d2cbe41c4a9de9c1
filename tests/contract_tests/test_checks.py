"""The table of checks itself."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract_tests.capabilities import CAPABILITIES, PROFILES
from contract_tests.check import Check
from contract_tests.checks import GROUPS, every_check
from contract_tests.report.listing import document
from tests.contract_tests.commands import ROOT, adapter

CHECKS = every_check()
ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def test_there_are_enough() -> None:
    assert len(CHECKS) >= 250


def test_ids_are_unique_and_well_formed() -> None:
    twice = [name for name, count in Counter(one.id for one in CHECKS).items() if count > 1]
    assert not twice
    assert not [one.id for one in CHECKS if not ID.fullmatch(one.id)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_says_all_it_must(check: Check) -> None:
    assert check.sources
    assert check.rule.endswith(".")
    assert len(check.rule) <= 160
    assert set(check.needs) <= set(CAPABILITIES)
    if any(source.kind == "issue" for source in check.sources):
        assert check.clients


def test_profiles_declare_what_there_is() -> None:
    for declared in PROFILES.values():
        assert declared <= set(CAPABILITIES)
        parents = {one.rpartition(".")[0] for one in declared} - {""}
        assert parents <= declared


def test_every_file_is_a_group() -> None:
    files = {path.stem for path in (ROOT / "contract_tests/checks").glob("*.py")} - {"__init__"}
    assert files == set(GROUPS)
    assert len(GROUPS) == len(set(GROUPS))


def _resolve(document: Any, pointer: str) -> Any:
    for step in pointer.removeprefix("#/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def test_every_pointer_leads_somewhere() -> None:
    path = os.environ.get("OPENAI_OPENAPI_DOCUMENT")
    if not path:
        pytest.skip("OPENAI_OPENAPI_DOCUMENT names no document to look into")
    official = json.loads(Path(path).read_text())
    astray = []
    for check in CHECKS:
        for source in check.sources:
            if source.kind in {"spec", "doc"}:
                try:
                    found = _resolve(official, source.where)
                except (LookupError, ValueError, TypeError):
                    astray.append(f"{check.id}: {source.where}")
                else:
                    if source.kind == "doc" and "description" not in str(found):
                        astray.append(f"{check.id}: nothing is described at {source.where}")
    assert not astray


def test_the_page_of_the_contract_is_current() -> None:
    assert (ROOT / "docs/contract.md").read_text() == document(CHECKS), (
        "python -m contract_tests.report.listing > docs/contract.md"
    )


def test_the_list_in_the_terminal() -> None:
    run = adapter("check", "--list", "--only", "models")
    assert run.returncode == 0
    assert "models.list.shape" in run.stdout
    assert "chat.id" not in run.stdout


def test_the_suite_runs_without_the_adapter(tmp_path: Path) -> None:
    code = "import sys, contract_tests.cli; print([m for m in sys.modules if m.startswith(('adapter', 'backends', 'openai.', 'schemathesis'))])"  # noqa: E501 - one program
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
