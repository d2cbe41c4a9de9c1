"""A whole run: from a URL and options to a report."""

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from contract_tests.baseline import apply_baseline
from contract_tests.capabilities import PROFILES
from contract_tests.check import Check
from contract_tests.checks import every_check
from contract_tests.expect import show
from contract_tests.fuzz.campaign import Fuzz
from contract_tests.reach import reach
from contract_tests.report.model import Report, blot, outcome_of
from contract_tests.requirements import REQUIREMENT_SET, digest
from contract_tests.runner import Progress, run
from contract_tests.schema.official import Document
from contract_tests.target import Target


@dataclass(frozen=True)
class Options:
    """How to check: `models` by kind of request, `profile` as typed, `name` as reports show it."""

    checks: Sequence[Check]
    models: dict[str, str] = field(default_factory=dict)
    key: str | None = None
    profile: str = ""
    name: str = ""
    strict: bool = False
    baseline: dict[str, str] = field(default_factory=dict)
    document: Document | None = None
    fuzz: Fuzz | None = None
    concurrency: int = 8
    timeout_s: float = 30.0
    attempts: int = 3
    verify: ssl.SSLContext | bool = True


def declared_by(profile: str) -> frozenset[str]:
    """The capabilities that the profiles of a comma-separated list declare.

    Raises:
        ValueError: there is no such profile.
    """
    names = [name.strip() for name in profile.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PROFILES]:
        raise ValueError(f"no such profile: {', '.join(unknown)}; there are {', '.join(PROFILES)}")
    return frozenset().union(*(PROFILES[name] for name in names))


def target_of(url: str, options: Options) -> Target:
    """The server at that URL, to be checked with those options."""
    return Target(
        url,
        key=options.key,
        models=dict(options.models),
        declared=declared_by(options.profile),
        timeout_s=options.timeout_s,
        concurrency=options.concurrency,
        attempts=options.attempts,
        document=options.document,
        fuzz=options.fuzz,
        verify=options.verify,
    )


async def check_server(url: str, options: Options, progress: Progress = lambda _: None) -> Report:
    """The report on the server at that URL.

    Raises:
        Unreachable: there is no API there, or it stopped answering.
    """
    started_at, began_s = datetime.now(UTC), time.perf_counter()
    async with target_of(url, options) as target:
        await reach(target)
        results = await run(target, options.checks, progress)
    stale = apply_baseline(options.baseline, results)
    return Report(
        requirement_set=REQUIREMENT_SET,
        requirement_digest=digest(every_check()),
        suite_version=version("openai-server-kit"),
        server=options.name or target.url,
        url=target.url,
        models={kind: blot(show(name), options.key) for kind, name in target.models.items()},
        profile=options.profile,
        strict=options.strict,
        started_at=started_at.isoformat(timespec="seconds"),
        duration_s=round(time.perf_counter() - began_s, 3),
        failed=bool(stale) or any(result.blocks(strict=options.strict) for result in results),
        stale=stale,
        outcomes=[outcome_of(result, options.key) for result in results],
    )
