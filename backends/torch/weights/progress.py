"""The bar that shows how far a download, a conversion or a load has come."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def bar(label: str, length: int) -> "ProgressBar[int]":
    """A bar on stderr, as a context manager with `update(steps)`; off a terminal, its label."""
    return click.progressbar(length=length, label=label, file=sys.stderr)
