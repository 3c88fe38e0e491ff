"""Answer requests: the part of a launch that needs argilla_server imported, hence its environment prepared."""

import json
import os
import socket

import uvicorn
from argilla_server import app
from argilla_server.contexts import accounts
from argilla_server.jobs import dataset_jobs
from argilla_server.models import User, Webhook
from argilla_server.webhooks.v1 import records, responses

from labeling.server import (
    database,
    events,
    indexes,
    lookups,
    search,  # noqa: F401 - importing it registers the engine
    webhooks,
)
from labeling.server.jobs import JobLanes
from labeling.server.page_policy import PagePolicy, argilla_policy
from labeling.server.secret_files import Credentials

_GRACE_S = 3


async def serve(listener: socket.socket, credentials: Credentials, lanes: JobLanes) -> None:
    """Serve Argilla until a signal; prints one line of JSON once requests are answered."""
    await database.ensure_indexes()
    await database.ensure_owner(credentials)
    await indexes.bring_up_to_date()
    lanes.resume(
        {
            "update_dataset_records_status_job": dataset_jobs.update_dataset_records_status_job,
            "notify_event_job": webhooks.notify,
        }
    )
    _spare_queries()
    page = PagePolicy(app, argilla_policy())
    options = uvicorn.Config(page, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S)
    try:
        # While it serves, uvicorn has the signals; when it has shut down it raises them again, which ends in launch.
        await _AnnouncingServer(options).serve(sockets=[listener])
    finally:
        await lanes.close()
        await webhooks.close()
        indexes.close()


def _spare_queries() -> None:
    """Put our own in the place of functions of Argilla's that ask the database for the same things again."""
    lookups.forget_when_written()
    User.is_member = lookups.membership(User.is_member)
    accounts.get_user_by_username = lookups.user_by_name(accounts.get_user_by_username)
    records.build_record_event = events.when_heard(records.build_record_event, Webhook)
    responses.build_response_event = events.when_heard(responses.build_response_event, Webhook)


class _AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(json.dumps({"ready": True, "port": sockets[0].getsockname()[1]}), flush=True)
            os.dup2(2, 1)  # nobody reads standard output from here on: what libraries print goes to the log
