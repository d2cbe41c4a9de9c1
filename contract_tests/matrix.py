"""`adapter matrix`: several reports as one page of servers by checks."""

import sys
from pathlib import Path

import click
from pydantic import ValidationError

from contract_tests.report.grid import grid
from contract_tests.report.model import Report


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    default=Path("matrix.html"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write.",
)
def matrix(reports: tuple[Path, ...], output: Path) -> None:
    """Join REPORTS (each a report.json of adapter check) into one HTML page.

    Exit status: 2 if one of them is no report.
    """
    try:
        output.write_text(grid([_read(path) for path in reports]), encoding="utf-8")
    except (OSError, ValueError) as error:
        click.echo(f"adapter matrix: {error}", err=True)
        sys.exit(2)
    click.echo(f"{len(reports)} servers in {output}")


def _read(path: Path) -> Report:
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ValueError(
            f"{path} is no report of adapter check: {place}: {first['msg']}"
        ) from error
