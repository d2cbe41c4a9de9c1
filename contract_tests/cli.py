"""`adapter check`."""

import asyncio
import ssl
import sys
from contextlib import nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from contract_tests.baseline import read_baseline
from contract_tests.capabilities import PROFILES
from contract_tests.checks import every_check
from contract_tests.fuzz.campaign import Fuzz
from contract_tests.report.files import write_reports
from contract_tests.report.listing import listing
from contract_tests.report.model import Report, blot
from contract_tests.report.terminal import Watching, print_report
from contract_tests.run import Options, check_server, declared_by
from contract_tests.runner import KINDS
from contract_tests.schema.official import Document
from contract_tests.selection import select
from contract_tests.served import served
from contract_tests.verdict import Unreachable

UNUSABLE = 2


@click.command()
@click.argument("url", required=False)
@click.option("--backend", help="Start the adapter around this backend and check it.")
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Model to chat with; KIND=NAME for completions, embeddings, moderations.",
)
@click.option("--api-key", envvar="OPENAI_API_KEY", help="Key to send. [OPENAI_API_KEY]")
@click.option("--profile", default="", help=f"What must be there: {', '.join(PROFILES)}.")
@click.option("--only", multiple=True, help="Checks to run: an id, a group, or with *.")
@click.option("--strict", is_flag=True, help="A broken SHOULD fails the run too.")
@click.option("--baseline", type=click.Path(path_type=Path), help="YAML file of known failures.")
@click.option("--report-dir", type=click.Path(path_type=Path), help="Where to write the reports.")
@click.option(
    "--openapi", type=click.Path(path_type=Path), help="OpenAPI document to judge by too."
)
@click.option(
    "--fuzz", default=0, show_default=True, help="Fuzz with so many examples an endpoint."
)
@click.option(
    "--fuzz-document", type=click.Path(path_type=Path), help="OpenAPI document to fuzz by."
)
@click.option("--seed", default=1, show_default=True, help="Seed of the fuzzing.")
@click.option(
    "--concurrency", default=8, show_default=True, type=click.IntRange(1), help="Checks at once."
)
@click.option("--timeout-s", default=30.0, show_default=True, help="Longest silence to bear.")
@click.option(
    "--attempts", default=3, show_default=True, help="Tries where a model must play along."
)
@click.option("--insecure", is_flag=True, help="Accept any TLS certificate.")
@click.option("--name", default="", help="What reports call the server.")
@click.option("--list", "listed", is_flag=True, help="Print every check, a line each, and end.")
@click.option("--verbose", "-v", is_flag=True, help="Tell every broken rule, not a page of causes.")
def check(
    listed: bool,
    url: str | None,
    backend: str | None,
    report_dir: Path | None,
    verbose: bool,
    **given: Any,
) -> None:
    """Check the server at URL (its base URL, as http://127.0.0.1:8000/v1) against the OpenAI API.

    Exit status: 0 if no MUST is broken, 1 if one is, 2 if there was no API to check.
    """
    _print_whatever_comes()
    try:
        if listed:
            click.echo(listing(select(every_check(), given["only"]), verbose=verbose), nl=False)
            return
        if bool(url) == bool(backend):
            raise click.UsageError("give the URL of a server, or --backend")
        options = _options(**given)
        with served(backend) if backend else nullcontext(url) as where:
            report = _run(str(where), options)
        print_report(Console(), report, verbose=verbose)
        if report_dir:
            write_reports(report, report_dir)
            click.echo(f"reports in {report_dir}")
    except (ValueError, Unreachable) as error:
        click.echo(f"adapter check: {blot(str(error), given['api_key'])}", err=True)
        sys.exit(UNUSABLE)
    sys.exit(1 if report.failed else 0)


def _options(
    *,
    models: tuple[str, ...],
    api_key: str | None,
    only: tuple[str, ...],
    baseline: Path | None,
    openapi: Path | None,
    fuzz: int,
    fuzz_document: Path | None,
    seed: int,
    insecure: bool,
    **rest: Any,
) -> Options:
    given = {name for name, value in (("openapi", openapi), ("fuzz", fuzz)) if value}
    unasked = {"openapi", "fuzz"} - given
    checks = [one for one in every_check() if not unasked & set(one.needs)]
    declared_by(rest["profile"])
    return Options(
        checks=select(checks, only),
        document=Document(openapi) if openapi else None,
        fuzz=Fuzz(fuzz, seed, fuzz_document) if fuzz else None,
        models=_models(models),
        key=api_key,
        baseline=read_baseline(baseline, [one.id for one in checks]) if baseline else {},
        verify=_trusting() if insecure else True,
        **rest,
    )


def _models(given: tuple[str, ...]) -> dict[str, str]:
    models: dict[str, str] = {}
    for one in given:
        kind, found, name = one.partition("=")
        models |= {kind: name} if found and kind in KINDS else {"chat": one}
    return models


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _run(url: str, options: Options) -> Report:
    # On standard error, so that a file or a pipe gets the report alone.
    with Watching(Console(stderr=True), len(options.checks)) as watching:
        return asyncio.run(check_server(url, options, watching.saw))


def _print_whatever_comes() -> None:
    """Shows as escapes what a terminal has no characters for, and does not stop the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
