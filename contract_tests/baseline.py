"""Known failures: a YAML file of check ids, each with the reason why it is known.

    chat.stream.usage.present: "#123: the gateway drops the last chunk"

A listed check that passes makes the run fail as stale, so that the file can only shrink.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml

from contract_tests.result import Result
from contract_tests.verdict import Verdict

KNOWN = {Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE}


def read_baseline(path: Path, known_ids: Iterable[str]) -> dict[str, str]:
    """The reasons by check id.

    Raises:
        ValueError: the file cannot be read, is no mapping of ids to reasons, or names no check.
    """
    try:
        listed = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
        raise ValueError(f"{path}: each line is the id of a check, a colon and a reason")
    if unknown := sorted(map(str, listed.keys() - set(known_ids))):
        raise ValueError(f"{path}: no such check: {', '.join(unknown)}")
    return listed


def apply_baseline(baseline: dict[str, str], results: Iterable[Result]) -> list[str]:
    """Marks the known failures, and gives the ids of the lines that are stale."""
    stale = []
    for result in results:
        reason = baseline.get(result.check.id)
        if reason is None:
            continue
        if result.verdict in KNOWN:
            result.baseline = reason
        elif result.verdict is Verdict.PASS:
            stale.append(result.check.id)
    return stale
