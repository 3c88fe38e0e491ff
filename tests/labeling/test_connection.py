"""Each thing that can be wrong with an Argilla elsewhere, and the sentence that says so."""

import asyncio
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from labeling.address import address, is_exposed
from labeling.argilla import ArgillaQueue
from labeling.connection import connect, explained
from labeling.errors import RefusedError, UnreachableError
from models.errors import LabelingError
from models.settings import ArgillaSettings

KEY = "owner.sesame-open"
ME = {
    "id": "7b7f7a4e-1111-4111-8111-7b7f7a4e1111",
    "username": "ann",
    "first_name": "ann",
    "last_name": None,
    "role": "owner",
    "api_key": KEY,
    "inserted_at": "2026-01-01T00:00:00",
    "updated_at": "2026-01-01T00:00:00",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(
    routes: dict[str, object], *, below: str = "", context: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that answers as told: JSON by path, or a handler; yields its address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        found = routes.get(request.path.removeprefix(below), 404)
        if callable(found):
            return await found(request)
        if isinstance(found, int):
            return web.json_response({"detail": "no"}, status=found)
        if request.path.endswith("/me") and request.headers.get("X-Argilla-Api-Key") != KEY:
            return web.json_response({"detail": "Could not validate credentials"}, status=401)
        return web.json_response(found)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}{below}"
    finally:
        await runner.cleanup()


def argilla(version: str = "2.8.0", role: str = "owner") -> dict[str, object]:
    return {"/api/v1/version": {"version": version}, "/api/v1/me": {**ME, "role": role}}


def make_certificate(key: Path, certificate: Path) -> None:
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=argilla"]
    files = ["-keyout", str(key), "-out", str(certificate), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *made, *files], check=True, capture_output=True)


async def fault(url: str, key: str = KEY, timeout_s: float = 5.0) -> str:
    with pytest.raises(LabelingError) as raised:
        await asyncio.to_thread(connect, url, key, timeout_s)
    told = str(raised.value)
    assert KEY not in told
    assert key.strip() not in told or not key.strip()
    assert "Traceback" not in told
    return told


@pytest.mark.parametrize("version", ["2.4.0", "2.8.0", "2.9.0dev0", "2.31.1"])
async def test_supported_versions_are_connected_to(version: str) -> None:
    async with server(argilla(version)) as url:
        client = await asyncio.to_thread(connect, url, KEY)
        assert (await asyncio.to_thread(client.http_client.get, "/api/v1/me")).json()["username"] == "ann"
        client.http_client.close()


@pytest.mark.parametrize("version", ["1.29.1", "2.3.1", "3.0.0", "nonsense"])
async def test_other_versions_are_named_with_those_that_work(version: str) -> None:
    async with server(argilla(version)) as url:
        told = await fault(url)
    assert f"is version {version}; Quandary works with 2.4 to the last 2.x (2.8 is tested)" in told


async def test_an_argilla_of_the_first_kind_is_known_by_its_own_way_of_telling() -> None:
    async with server({"/api/_info": {"version": "1.29.1"}}) as url:
        assert "is version 1.29.1; Quandary works with 2.4" in await fault(url)


async def test_a_path_and_slashes_at_the_end_are_no_fault() -> None:
    async with server(argilla(), below="/tools/argilla") as url:
        for written in (url, url + "/", f" {url}// "):
            client = await asyncio.to_thread(connect, written, KEY)
            assert (await asyncio.to_thread(client.http_client.get, "/api/v1/me")).status_code == 200
            client.http_client.close()
    assert ArgillaSettings(url="https://a.example/argilla/").url == "https://a.example/argilla"


@pytest.mark.parametrize("key", ["wrong", f"{KEY}x"])
async def test_a_wrong_key_is_told_with_where_to_find_the_right_one(key: str) -> None:
    async with server(argilla()) as url:
        told = await fault(url, key)
    assert "refuses our API key while logging in; copy it anew from Argilla's page" in told


@pytest.mark.parametrize("key", ["", "  ", "two words", "key\nwith-a-line", "schl\u00fcssel"])
async def test_what_can_be_no_key_is_not_sent(key: str) -> None:
    assert "is empty or holds blanks" in await fault("http://127.0.0.1:9", key)


async def test_white_space_around_a_key_is_no_part_of_it() -> None:
    async with server(argilla()) as url:
        (await asyncio.to_thread(connect, url, f" {KEY}\n")).http_client.close()


async def test_an_annotators_key_is_told_with_whose_it_is() -> None:
    async with server(argilla(role="annotator")) as url:
        told = await fault(url)
    assert "is ann's, whose role is annotator" in told
    assert "use an owner's key, or an admin's" in told


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<html>Welcome</html>", content_type="text/html")


@pytest.mark.parametrize(
    "routes",
    [{}, {"/api/v1/version": page}, {"/api/v1/version": {"release": 2}}, {"/api/v1/version": ["2.8.0"]}],
    ids=["nothing there", "a page", "other fields", "a list"],
)
async def test_what_is_not_argilla_is_told(routes: dict[str, object]) -> None:
    async with server(routes) as url:
        told = await fault(url)
    assert "does not answer as Argilla does while asking for its version" in told
    assert "check url under [argilla] in config.toml" in told


async def test_where_a_server_sends_us_on_to_is_told_and_not_followed() -> None:
    async def move(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "https://argilla.example.org/api/v1/version"})

    async with server({"/api/v1/version": move}) as url:
        told = await fault(url)
    assert "sends us on to https://argilla.example.org/api/v1/version; set url" in told


async def test_a_server_that_hangs_is_given_up_on() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(2)
        return web.Response()

    async with server({"/api/v1/version": hang}) as url:
        with pytest.raises(UnreachableError, match="did not answer in time while asking for its version"):
            await asyncio.to_thread(connect, url, KEY, 0.2)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_proxy_before_a_server_that_is_down_means_later(status: int) -> None:
    async with server({"/api/v1/version": status}) as url:
        with pytest.raises(UnreachableError, match=f"not to be had now .status {status}."):
            await asyncio.to_thread(connect, url, KEY)


async def test_nobody_there_means_later() -> None:
    with pytest.raises(UnreachableError, match="cannot be reached while asking for its version"):
        await asyncio.to_thread(connect, "http://127.0.0.1:9", KEY)
    with pytest.raises(UnreachableError, match="check that it runs, and url under"):
        await asyncio.to_thread(connect, "http://nobody.invalid", KEY)


async def test_a_certificate_of_ones_own_is_refused_until_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    await asyncio.to_thread(make_certificate, key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with server(argilla(), context=context) as url:
        told = await fault(url)
        assert "the certificate of Argilla at" in told
        assert "SSL_CERT_FILE" in told
        plain = await fault(url.replace("https", "http"))
        assert "127.0.0.1" in plain
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        (await asyncio.to_thread(connect, url, KEY)).http_client.close()
    async with server(argilla()) as url:
        assert "look whether it speaks https there at all" in await fault(url.replace("http", "https"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("argilla.example.org", "no http or https address"),
        ("ftp://argilla.example.org", "no http or https address"),
        ("https://ann:sesame@argilla.example.org", "login"),
        ("https://argilla.example.org/datasets?page=2", "page"),
        ("https://argilla.example.org/#top", "page"),
    ],
)
def test_what_can_be_no_address_is_refused_before_it_is_used(url: str, told: str) -> None:
    with pytest.raises(LabelingError, match=told) as raised:
        address(url)
    assert "sesame" not in str(raised.value)
    with pytest.raises(ValueError, match=told):
        ArgillaSettings(url=url)


def test_only_http_to_elsewhere_is_exposed() -> None:
    assert is_exposed("http://argilla.example.org:6900")
    assert not is_exposed("http://127.0.0.1:6900")
    assert not is_exposed("https://argilla.example.org")


async def test_no_key_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with server(argilla()) as url:
        (await asyncio.to_thread(connect, url, KEY)).http_client.close()
        await fault(url, "another-key-altogether")
    assert "api/v1/me" in caplog.text
    assert KEY not in caplog.text
    assert "another-key-altogether" not in caplog.text


async def test_what_a_server_echoes_of_our_text_is_left_out_of_the_message() -> None:
    said = "what alice said in private"
    echoes: list[tuple[object, str]] = [
        ({"detail": [{"loc": ["body", "items", 0], "msg": "Field required", "input": said}]}, "Field required"),
        (
            {"detail": {"code": "E::V", "params": {"errors": [{"loc": ["x"], "msg": "too long", "input": said}]}}},
            "x: too long",
        ),
        ({"detail": "record at position 0 is not valid"}, "position 0"),
        ({"code": 1}, "not Argilla's"),
    ]
    for body, wanted in echoes:

        async def refuse(_: web.Request, body: object = body) -> web.Response:
            return web.json_response(body, status=422)

        async with server({**argilla(), "/api/v1/records": refuse}) as url:
            client = await asyncio.to_thread(connect, url, KEY)

            def push(client: object = client, url: str = url) -> None:
                with explained(url, "sending 1 request(s)"):
                    client.http_client.get("/api/v1/records").raise_for_status()

            with pytest.raises(RefusedError, match="refused sending 1 request") as raised:
                await asyncio.to_thread(push)
            client.http_client.close()
        assert wanted in str(raised.value)
        assert said not in str(raised.value)


async def test_the_queue_connects_the_same_way() -> None:
    async with server(argilla(version="3.1.0")) as url:
        with pytest.raises(LabelingError, match=r"is version 3\.1\.0"):
            await asyncio.to_thread(ArgillaQueue.connect, url, KEY)
