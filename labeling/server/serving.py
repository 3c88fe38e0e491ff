"""Answer requests: the part of a launch that needs argilla_server imported, hence its environment prepared."""

import json
import os
import socket

import uvicorn
from argilla_server import app

from labeling.server import database
from labeling.server.page_policy import PagePolicy, argilla_policy
from labeling.server.search import reindex_if_stale  # importing it registers the engine
from labeling.server.secret_files import Credentials

_GRACE_S = 3


async def serve(listener: socket.socket, credentials: Credentials) -> None:
    """Serve Argilla until a signal; prints one line of JSON once requests are answered."""
    await database.ensure_owner(credentials)
    await reindex_if_stale()
    page = PagePolicy(app, argilla_policy())
    options = uvicorn.Config(page, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S)
    # While it serves, uvicorn has the signals; when it has shut down it raises them again, which ends in launch.
    await _AnnouncingServer(options).serve(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(json.dumps({"ready": True, "port": sockets[0].getsockname()[1]}), flush=True)
            os.dup2(2, 1)  # nobody reads standard output from here on: what libraries print goes to the log
