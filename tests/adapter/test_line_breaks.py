"""A key or header with white space around it is used without; a control character in it stops."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapter.commands import adapter
from tests.backends.folder.folders import metadata, settings, write
from tests.backends.openai.bodies import ANSWER, CHAT, PATH
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Serve, free_port

SECRET = "sk-of-the-operator"
INSIDE = ("sk-of\n-the-operator", "sk-of\r-the-operator", "sk-of\x00-the-operator", "sk-of\x7fit")
Settings = dict[str, str]


def openai_backend(key: str) -> Settings:
    return {"BACKEND": "openai", "OPENAI_API_KEY": key}


def openai_headers(key: str) -> Settings:
    escaped = key.encode("unicode_escape").decode().replace("\\x", "\\u00")
    return {"BACKEND": "openai", "OPENAI_API_KEY": "k", "OPENAI_HEADERS": f'{{"X-A": "{escaped}"}}'}


def organisation(key: str) -> Settings:
    return openai_backend("k") | {"OPENAI_ORG_ID": key}


def anthropic(key: str) -> Settings:
    return {"BACKEND": "anthropic", "ANTHROPIC_API_KEY": key}


def anthropic_beta(key: str) -> Settings:
    return anthropic("k") | {"ANTHROPIC_BETA": f"one,{key}"}


def in_front(key: str) -> Settings:
    return {"ENABLE_AUTH": "1", "API_KEY_SECRET": f"other,{key}"}


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (openai_backend, "OPENAI_API_KEY"),
        (openai_headers, "OPENAI_HEADERS"),
        (organisation, "OPENAI_ORG_ID"),
        (anthropic, "ANTHROPIC_API_KEY"),
        (anthropic_beta, "ANTHROPIC_BETA"),
        (in_front, "API_KEY_SECRET"),
    ],
)
def test_a_control_character_inside_stops_the_start_with_one_line(
    tmp_path: Path, made: Callable[[str], Settings], named: str
) -> None:
    for key in INSIDE:
        if "\x00" in key and made is not openai_headers:
            continue  # no environment can carry it
        stopped(tmp_path, named, **made(key))


def stopped(folder: Path, *named: str, **environment: str) -> None:
    done = adapter(folder, "serve", PORT=str(free_port()), **environment)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    for name in named:
        assert name in line
    assert "line break or another control character" in line
    assert "sk-of" not in line


def test_names_of_headers_are_names(tmp_path: Path) -> None:
    headers = '{"X Y": "sk-of-the-operator"}'
    done = adapter(tmp_path, "serve", BACKEND="openai", OPENAI_API_KEY="k", OPENAI_HEADERS=headers)
    assert done.returncode == 2
    assert done.stderr == "adapter: OPENAI_HEADERS: 'X Y' is no name of a header\n"


@pytest.mark.parametrize("written", ['"sk-of\\n-the-operator"', '"${INNER}"'])
def test_a_key_in_the_config_file_is_named_by_its_line(tmp_path: Path, written: str) -> None:
    (tmp_path / "adapter.yaml").write_text(
        f"backends:\n  up:\n    use: openai\n    api_key: {written}\n"
    )
    stopped(
        tmp_path,
        "adapter.yaml, line 4: backends.up.api_key",
        CONFIG="adapter.yaml",
        INNER=INSIDE[0],
    )


def test_a_key_of_the_keys_file_is_named(tmp_path: Path) -> None:
    for secret, said in [("sk-of\\n-the-operator", "control character"), (" \\n", "is empty")]:
        (tmp_path / "keys").write_text(f'[[key]]\nname = "ann"\nsecret = "{secret}"\n')
        done = adapter(tmp_path, "serve", ENABLE_AUTH="1", API_KEYS_FILE="keys")
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert "API_KEYS_FILE: the secret of 'ann'" in line
        assert said in line
        assert "sk-of" not in line


def test_a_provider_of_a_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path / "providers/one", metadata())
    environment = settings(tmp_path / "providers", TEST_KEY=INSIDE[0])
    done = adapter(tmp_path, "serve", BACKEND="folder", **environment)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "header.txt:2: the value of TEST_KEY" in line
    assert "sk-of" not in line


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\t{} "])
def test_white_space_around_a_key_goes(serve: Serve, tmp_path: Path, around: str) -> None:
    key = around.format(SECRET)
    (tmp_path / "keys").write_text('[[key]]\nname = "ann"\nsecret = """sk-front\n"""\n')
    (tmp_path / "adapter.yaml").write_text(
        'backends:\n  up:\n    use: openai\n    base_url: "${URL}"\n    api_key: "${KEY}"\n'
        '    models: "m-1"\n    headers: {X-A: "${KEY}"}\n'
    )
    with Wicked() as wicked:
        wicked.answer([whole(ANSWER)])
        url = f"http://127.0.0.1:{wicked.port}/v1\n"
        front = {"ENABLE_AUTH": "1", "API_KEYS_FILE": "keys"}
        sides: list[Settings] = [
            {"CONFIG": "adapter.yaml", "URL": url, "KEY": key},
            openai_backend(key) | {"OPENAI_BASE_URL": url, "OPENAI_MODELS": "*"},
        ]
        for side in sides:
            server = serve(**side, **front)
            with server.http(headers={"authorization": "Bearer sk-front"}) as http:
                assert http.post(PATH, json=CHAT).content == ANSWER
            assert wicked.asked[-1].header("authorization") == f"Bearer {SECRET}"
        assert wicked.asked[0].header("x-a") == SECRET
        settings_of_claude = anthropic(key) | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_MODELS": "m-1"}
        with serve(**settings_of_claude).http() as http:
            http.post(PATH, json=CHAT)
        assert wicked.asked[-1].header("x-api-key") == SECRET
