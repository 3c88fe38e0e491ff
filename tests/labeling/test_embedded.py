import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import aiohttp
import pytest

from labeling.embedded import EmbeddedArgilla
from models.errors import LabelingError

ROOT = Path(__file__).resolve().parents[2]


async def me(url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url + "/api/v1/me") as answer:
        return answer.status


async def login(server: EmbeddedArgilla) -> str:
    form = {"username": server.credentials.username, "password": server.credentials.password}
    async with aiohttp.ClientSession() as session, session.post(server.url + "/api/v1/token", data=form) as answer:
        return str((await answer.json())["access_token"])


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def gone(pid: int, within_s: float = 10.0) -> bool:
    async with asyncio.timeout(within_s):
        while runs(pid):  # noqa: ASYNC110 - it is no child of ours that could be waited for
            await asyncio.sleep(0.05)
    return True


async def test_it_comes_back_after_a_crash_with_address_logins_and_lock(tmp_path: Path) -> None:
    server = EmbeddedArgilla(tmp_path)
    with pytest.raises(LabelingError, match="no login yet"):
        server.credentials  # noqa: B018 - reading it is the test
    await server.start()
    watching = asyncio.create_task(server.supervise())
    try:
        url, login_before, first = server.url, server.credentials, server.pid
        token = await login(server)
        assert await me(url, token) == 200
        with pytest.raises(LabelingError, match="another Argilla already runs"):
            await EmbeddedArgilla(tmp_path).start()
        with pytest.raises(LabelingError, match=r"cannot listen on 127\.0\.0\.1"):
            await EmbeddedArgilla(tmp_path / "other", port=int(url.rsplit(":", 1)[1])).start()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await me(url, token) == 200
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        assert (server.url, server.credentials) == (url, login_before)
        second = server.pid
        assert second is not None
        assert second != first
    finally:
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    assert await gone(second)
    assert server.pid is None


async def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    parent = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from labeling.embedded import EmbeddedArgilla

        async def main():
            async with EmbeddedArgilla(Path(sys.argv[1])) as server:
                print("PID", server.pid, flush=True)
                await asyncio.sleep(60)

        asyncio.run(main())
    """)
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", parent, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert started.stdout is not None
    try:
        pid = 0
        while not pid:
            line = await started.stdout.readline()
            pid = int(line.split()[1]) if line.startswith(b"PID") else 0
        assert runs(pid)
    finally:
        started.kill()
        await started.wait()
    assert await gone(pid)


async def test_cancelling_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    server = EmbeddedArgilla(tmp_path)
    starting = asyncio.create_task(server.start())
    while server.pid is None:  # noqa: ASYNC110 - the very moment after the fork has no event
        await asyncio.sleep(0.01)
    pid = server.pid
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await gone(pid)


async def test_a_start_that_takes_too_long_is_explained(tmp_path: Path) -> None:
    with pytest.raises(LabelingError, match="not ready after 0 s"):
        await EmbeddedArgilla(tmp_path, start_timeout_s=0.05).start()


async def test_a_damaged_login_is_explained(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(LabelingError, match="remove it to have a new login made"):
        await EmbeddedArgilla(tmp_path).start()
