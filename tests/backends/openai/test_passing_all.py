"""With PASSTHROUGH_ALL every other path passes too: files, audio, administration."""

import gzip

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import PATH
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.wicked import Wicked, head, whole
from tests.server import Serve


def test_with_passthrough_all_every_path_passes_but_none_leads_out(
    serve: Serve, wicked: Wicked
) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_MODELS="m",
        PASSTHROUGH_ALL="true",
    )
    sound = b"\x00\xff" * 500
    with server.http() as http:
        wicked.answer([whole(b'{"data":[]}')])
        assert http.get("/v1/files?purpose=a%26b&limit=2").json() == {"data": []}
        assert http.delete("/v1/files/file-1").status_code == 200
        assert http.post("/v1/batches", json={"input_file_id": "f"}).status_code == 200
        assert http.post("/v1/batches/b_1/cancel").status_code == 200
        wicked.answer([whole(sound, ("content-type", "audio/mpeg"))])
        spoken = http.post("/v1/audio/speech", json={"model": "m", "input": "Hi"})
        assert (spoken.content, spoken.headers["content-type"]) == (sound, "audio/mpeg")
        assert http.post("/v1/audio/speech", json={"model": "other"}).status_code == 404
        wicked.answer([head(204)])
        assert http.delete("/v1/files/file-1").status_code == 204
        wicked.answer([whole(b"{}")])
        assert http.request("TRACE", "/v1/files").status_code == 405
        with server.connect() as raw:
            raw.sendall(b"GET /v1/../admin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            assert raw.recv(65536).startswith(b"HTTP/1.1 404")
        assert not wicked.asked


def test_forms_pass_byte_for_byte_and_their_model_must_be_allowed(
    serve: Serve, wicked: Wicked
) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_MODELS="whisper-1,secret",
        ALLOWED_MODELS="whisper-1",
        PASSTHROUGH_ALL="true",
    )
    wicked.answer([whole(b'{"text":"Hi"}')])
    sound = {"file": ("a.wav", b"RIFF\r\n--x\x00" * 3000, "audio/wav")}
    path = "/v1/audio/transcriptions"
    with server.http() as http:
        form = http.build_request("POST", path, data={"model": "whisper-1"}, files=sound)
        whole_form, kind = form.read(), {"content-type": form.headers["content-type"]}
        assert http.post(path, content=whole_form, headers=kind).json() == {"text": "Hi"}
        (asked,) = wicked.asked
        assert (asked.body, asked.header("content-type")) == (whole_form, kind["content-type"])
        packed = kind | {"content-encoding": "gzip"}
        assert http.post(path, content=gzip.compress(whole_form), headers=packed).status_code == 200
        assert (wicked.asked[-1].body, len(wicked.asked)) == (whole_form, 2)
        assert http.post("/v1/files", data={"purpose": "batch"}, files=sound).status_code == 200
        assert len(wicked.asked) == 3
        error = error_of(http.post(path, data={"model": "secret"}, files=sound))
        assert error["code"] == "model_not_found"
        twice = {"model": ["whisper-1", "secret"]}
        assert error_of(http.post(path, data=twice, files=sound))["code"] == "invalid_form"
        other = {"content-type": "multipart/form-data; boundary=other"}
        for broken, told in ((whole_form[:-20], kind), (b"no form", kind), (whole_form, other)):
            error = error_of(http.post(path, content=broken, headers=told))
            assert error["code"] == "invalid_form"
        error = error_of(http.post(PATH, data={"model": "whisper-1"}, files=sound))
        assert error["code"] == "unsupported_content_type"
    assert len(wicked.asked) == 3


def test_what_passes_keeps_its_escapes_and_loses_double_slashes(
    serve: Serve, wicked: Wicked
) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_MODELS="m",
        PASSTHROUGH_ALL="true",
    )
    wicked.answer([whole(b"{}")])
    with server.http() as http:
        for path in ("/v1/files/a%2Fb%3Fc", "//v1//files/a%2Fb%3Fc/", "/v1/files//a%2Fb%3Fc"):
            assert http.get(f"{server.url}{path}?x=a%2Fb").status_code == 200
        assert {one.target for one in wicked.asked} == {"/v1/files/a%2Fb%3Fc?x=a%2Fb"}
        http.head(f"{server.url}/v1/files/f")
        assert wicked.asked[-1].method == "HEAD"
    with server.connect() as raw:
        raw.sendall(b"GET //v1//..//admin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 404")


def test_a_form_for_a_deployment_names_the_same_model_or_is_refused(
    serve: Serve, wicked: Wicked
) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_MODELS="whisper-1,secret",
        ALLOWED_MODELS="whisper-1",
        PASSTHROUGH_ALL="true",
    )
    wicked.answer([whole(b'{"text":"Hi"}')])
    sound = {"file": ("a.wav", b"RIFF", "audio/wav")}
    path = "/openai/deployments/whisper-1/audio/transcriptions?api-version=1"
    with server.http() as http:
        assert http.post(path, data={"model": "whisper-1"}, files=sound).json() == {"text": "Hi"}
        assert wicked.asked[0].target == "/v1/audio/transcriptions"
        for data in ({"model": "secret"}, {"language": "en"}):
            assert error_of(http.post(path, data=data, files=sound))["param"] == "model"
        named = {"model": "secret", "input": "Hi"}
        assert http.post("/openai/deployments/whisper-1/audio/speech", json=named).json()
        assert b'"whisper-1"' in wicked.asked[1].body
        refused = http.post("/openai/deployments/secret/audio/speech", json={"input": "Hi"})
        assert error_of(refused)["code"] == "model_not_found"
    assert len(wicked.asked) == 2
