"""`adapter routes`: what would happen for a model, and why."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from adapter.routing.config import RouteConfig, require_routing
from adapter.routing.table import Table
from adapter.settings import Settings
from backends.protocol.errors import NotFoundError


@click.command()
@click.argument("models", nargs=-1)
@click.option("--config", type=click.Path(path_type=Path), help="The config file. [CONFIG]")
@click.option("--provider", help="As the `provider` field of a request.")
def routes(models: tuple[str, ...], config: Path | None, provider: str | None) -> None:
    """Print which backends answer for MODELS, in which order and why; for all, if none is named."""
    try:
        path = config or Settings().config
        if path is None:
            raise click.UsageError("name the config file with --config")
        table = Table(require_routing(path))
    except ValueError as error:
        click.echo(f"adapter: {error}", err=True)
        sys.exit(2)
    failed = False
    for model in models or [model.id for model in table.models()]:
        try:
            found = table.find(model, provider)
        except NotFoundError as error:
            click.echo(f"{model}: {error.message} ({error.code})")
            failed = True
            continue
        click.echo(f"{model}: {_ways(found.ways, found.balance)} ({found.why})")
        for way in found.fallback:
            click.echo(f"  then {way.backend} as {way.model}")
    sys.exit(1 if failed else 0)


def _ways(ways: Sequence[RouteConfig], balance: str) -> str:
    total = sum(way.weight for way in ways)
    if len(ways) == 1 or balance == "least_busy":
        shown = ", ".join(f"{way.backend} as {way.model}" for way in ways)
        return shown if len(ways) == 1 else f"the least busy of {shown}"
    return ", ".join(f"{way.backend} as {way.model} {way.weight / total:.0%}" for way in ways)
