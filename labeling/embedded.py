"""Argilla in a process of its own: started, watched, and stopped with whoever started it."""

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

from labeling.server.secret_files import Credentials, load_credentials
from models.errors import LabelingError

LOG_FILE = "server.log"
_LOG_MAX_BYTES = 5_000_000
_LOG_TAIL_CHARS = 1500
_STOP_S = 10.0
_BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
_STEADY_S = 60.0

log = structlog.get_logger(__name__)


class EmbeddedArgilla:
    """The embedded server: ``async with EmbeddedArgilla(home) as argilla: ... argilla.url``.

    ``home`` holds its database, login and log. Port 0 takes a free port at the first start and keeps it over restarts.
    The server reads our end of a pipe and stops when that closes, so it ends with us even if we are killed.
    """

    def __init__(self, home: Path, *, port: int = 0, start_timeout_s: float = 90.0) -> None:
        self.home = home.resolve()
        self._port = port
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """Address of web page and API, once started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def credentials(self) -> Credentials:
        """The owner's login; raises LabelingError before the first start."""
        credentials = load_credentials(self.home)
        if credentials is None:
            raise LabelingError(f"the embedded Argilla in {self.home} has no login yet; start it first")
        return credentials

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def log_path(self) -> Path:
        """The file that the server writes its complaints to."""
        return self.home / LOG_FILE

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises LabelingError, with the end of the server's log, if it ends or is not ready in time. Nothing is left
        running if this is cancelled.
        """
        self._stopping = False
        if self.pid is None:
            await self._launch()

    async def stop(self) -> None:
        """Stop the server: politely, after 10 s by force. Does nothing if none runs."""
        self._stopping = True
        await self._end()

    async def supervise(self) -> None:
        """Start the server again whenever it dies, waiting longer each time it does so soon; runs until cancelled.

        A server that was stopped on purpose ends this. Cancelling it stops the server.
        """
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not self._stopping:
                begun = loop.time()
                code = await self._process.wait() if self._process is not None else None
                if self._stopping:
                    return
                failures = 0 if loop.time() - begun > _STEADY_S else failures
                pause_s = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
                failures += 1
                log.warning("argilla died, starting it again", exit_code=code, pause_s=pause_s)
                self._process = None
                await asyncio.sleep(pause_s)
                if self._stopping:
                    return
                try:
                    await self._launch()
                except LabelingError as error:
                    log.warning("argilla did not start", error=str(error))
        except asyncio.CancelledError:
            await asyncio.shield(self.stop())
            raise

    async def _launch(self) -> None:
        if importlib.util.find_spec("argilla_server") is None:
            raise LabelingError(
                "the embedded Argilla is not installed; install Quandary with its extra [server], "
                "or set url under [argilla] in config.toml to one that runs elsewhere"
            )
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._open_log() as log_file:
            begin = log_file.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "labeling.server"),
                *("--home", str(self.home), "--port", str(self._port), "--with-parent"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                env=_environment(),
                start_new_session=True,  # ctrl-C is for us; we stop the server after what still needs it
            )
        try:
            async with asyncio.timeout(self._start_timeout_s):
                self._port = await self._announced_port(begin)
        except TimeoutError:
            await self._end()
            raise LabelingError(
                f"the embedded Argilla in {self.home} was not ready after {self._start_timeout_s:.0f} s; "
                f"the end of its log:\n{self._log_tail(begin)}"
            ) from None
        except BaseException:
            await self._end()
            raise
        if self._stopping:  # stopped while it was being started again
            await self._end()
            return
        log.info("argilla started", url=self.url, pid=self.pid)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.stdin is not None:
                process.stdin.close()
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.kill()
            raise

    async def _announced_port(self, log_begin: int) -> int:
        """Wait for the server's one line on standard output, which says that it answers, and on which port."""
        if self._process is None or self._process.stdout is None:
            raise LabelingError("the embedded Argilla has not been started")
        async for line in self._process.stdout:
            try:
                announced = json.loads(line)
            except ValueError:
                continue  # a library that prints; the announcement is a line of JSON
            if isinstance(announced, dict) and announced.get("ready") is True:
                return int(announced["port"])
        code = await self._process.wait()
        raise LabelingError(
            f"the embedded Argilla in {self.home} ended with status {code} before it was ready:\n"
            f"{self._log_tail(log_begin)}"
        )

    def _open_log(self) -> IO[bytes]:
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_MAX_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "ab")
        file.seek(0, os.SEEK_END)
        return file

    def _log_tail(self, begin: int) -> str:
        with self.log_path.open("rb") as file:
            file.seek(begin)
            text = file.read().decode("utf-8", "replace")
        return text[-_LOG_TAIL_CHARS:].strip() or "(the log is empty)"


def _environment() -> dict[str, str]:
    """Our environment, with the folder of our own packages first on the import path."""
    packages = str(Path(__file__).resolve().parent.parent)
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([packages, before] if before else [packages])}
