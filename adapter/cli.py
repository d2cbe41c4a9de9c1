"""The `adapter` command."""

import os
import socket
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from adapter.settings import Settings
from backends.protocol.wrong_settings import faults_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.app import App

# Each flag is the setting of the same name; its help is the setting's description. Beside it, what
# its value is.
FLAGS = {
    "host": "ADDRESS",
    "port": "INTEGER",
    "backend": "NAME|MODULE:CLASS",
    "model_path": "PATH|NAME",
    "tokenizer_path": "PATH",
    "device": "[auto|cpu|cuda|mps]",
    "quantize": "[none|int8]",
    "model_name": "NAME",
    "workers": "INTEGER",
    "log_level": "[debug|info|warning|error]",
    "log_format": "[auto|text|json]",
    "config": "FILE",
}


# Commands that are imported when they are used: where they are, and the extra that brings what
# they need.
LAZY = {
    "check": ("contract_tests.cli", "[contract]"),
    "matrix": ("contract_tests.matrix", "[contract]"),
    "models": ("backends.torch.weights.cli", "[torch]"),
    "providers": ("backends.folder.cli", ""),
    "routes": ("adapter.routing.command", ""),
}
SUMMARY_CHARACTERS = 500


class _Commands(click.Group):
    """The commands of this file, and the lazy ones."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *LAZY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        module, extra = LAZY[cmd_name]
        try:
            command: click.Command = getattr(import_module(module), cmd_name)
        except ModuleNotFoundError as error:
            return _without(cmd_name, error.name, extra)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their whole first sentence, which click would cut."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, one.get_short_help_str(limit=SUMMARY_CHARACTERS)) for name, one in found if one
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _without(command: str, package: str | None, extra: str) -> click.Command:
    """The command where its packages are not installed: it says what to install."""
    needs = (
        f"needs {package}: pip install -e '.{extra}' in a clone of the kit,"
        f" or pip install 'openai-server-kit{extra}'"
    )

    def say() -> None:
        raise click.UsageError(f"{command} {needs}")

    lenient = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(command, callback=say, help=needs, context_settings=lenient)


@click.group(cls=_Commands)
@click.version_option(package_name="openai-server-kit")
def main() -> None:
    """An OpenAI-compatible server over a swappable backend."""


def _flags(command: "Callable[..., None]") -> "Callable[..., None]":
    for name, value in reversed(FLAGS.items()):
        field = Settings.model_fields[name]
        shown = f"{field.description} [{name.upper()}"
        shown += "]" if field.default is None else f"; default {field.default}]"
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, metavar=value, help=shown)(command)
    return command


@main.command()
@_flags
def serve(**flags: str | None) -> None:
    """Serve the API. Every flag is also an environment variable; `.env.example` has the rest."""
    # Through the environment, so that worker processes and backends read the same settings.
    os.environ.update({name.upper(): value for name, value in flags.items() if value is not None})
    # Read by libgomp where a backend computes with PyTorch: threads that wait for each other give
    # their core away after 50 µs. By default they keep it for 15 ms, which others may need.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        settings = Settings()
        settings = _with_key(settings)
        _serve(settings)
    except ValidationError as error:
        _stop(*faults_of(error))
    except ValueError as error:
        _stop(str(error))


def _with_key(settings: Settings) -> Settings:
    """The settings with a key made and printed, where auth is on and no key is given."""
    if not settings.enable_auth and (settings.api_key_secret or settings.api_keys_file):
        click.echo("adapter: keys are set, but ENABLE_AUTH is not: anyone may call", err=True)
    if not settings.enable_auth or settings.api_key_secret or settings.api_keys_file:
        return settings
    from adapter.auth import new_secret  # noqa: PLC0415 - a bad flag must fail at once

    os.environ["API_KEY_SECRET"] = new_secret()
    click.echo(f"API_KEY_SECRET is not set; made one for this run: {os.environ['API_KEY_SECRET']}")
    return Settings()


def _serve(settings: Settings) -> None:
    if settings.workers > 1:
        from tempfile import TemporaryDirectory  # noqa: PLC0415 - for several workers alone

        with TemporaryDirectory(prefix="adapter-metrics-") as folder:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", folder)
            _run(settings)
    else:
        _run(settings)


def _run(settings: Settings) -> None:
    # A backend of one's own stands in the folder where the command is typed.
    sys.path.insert(0, os.getcwd())
    import uvicorn  # noqa: PLC0415 - after the environment is complete

    from adapter.app import create  # noqa: PLC0415 - likewise
    from adapter.connection import Connection  # noqa: PLC0415 - likewise

    port = _free_address(settings.host, settings.port)
    # With several workers each makes its own app; here it is made once to fail before the start.
    app = create(settings)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"Serving {_served(app, settings)} on http://{shown}:{port}/v1 (docs at /docs)")
    uvicorn.run(
        "adapter.app:create" if settings.workers > 1 else app,
        factory=settings.workers > 1,
        host=settings.host,
        port=port,
        workers=settings.workers,
        http=Connection,
        timeout_keep_alive=settings.keep_alive_s,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _served(app: "App", settings: Settings) -> str:
    return settings.backend if app.routing is None else f"the backends of {settings.config}"


def _free_address(host: str, port: int) -> int:
    """The port, or a free one for 0: found out before the start, because uvicorn would only log.

    Raises:
        ValueError: nobody can listen there; the message names both settings.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as probe:
            free: int = probe.getsockname()[1]
            return free
    except OSError as error:
        raise ValueError(f"HOST, PORT: cannot listen on {host}:{port}: {error.strerror}") from error


def _stop(*lines: str) -> None:
    for line in lines:
        click.echo(f"adapter: {line}", err=True)
    sys.exit(2)
