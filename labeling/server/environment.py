"""What argilla_server reads at import: its settings, and modules that stand in for services it would reach."""

import json
import os
import shutil
import sys
from pathlib import Path

from labeling.server import jobs
from labeling.server.job_store import JobStore
from labeling.server.secret_files import ensure_session_key
from labeling.server.stand_ins import stand_ins

ENGINE = "sqlite"


def prepare(home: Path, port: int) -> jobs.JobLanes:
    """Set up this process for argilla_server, which must not have been imported yet; returns its background jobs.

    Everything the user's own ARGILLA_* variables say is dropped: they mean another server.
    """
    if "argilla_server" in sys.modules:
        raise RuntimeError("argilla_server was imported before its environment was prepared")
    for name in [name for name in os.environ if name.startswith("ARGILLA_")]:
        del os.environ[name]
    # The web page is copied to a temporary folder at every start and never removed: keep it in one that we clear.
    scratch = home / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    origins = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
    os.environ.update(
        ARGILLA_HOME_PATH=str(home),
        ARGILLA_SEARCH_ENGINE=ENGINE,
        ARGILLA_AUTH_SECRET_KEY=ensure_session_key(home),
        ARGILLA_AUTH_OAUTH_CFG=str(home / "oauth.yaml"),  # default is a file in whatever folder we were started from
        ARGILLA_CORS_ORIGINS=json.dumps(origins),  # default is every origin, with credentials
        ARGILLA_DATABASE_SQLITE_TIMEOUT="30",
        ARGILLA_SHOW_HUGGINGFACE_SPACE_PERSISTENT_STORAGE_WARNING="false",
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_OFFLINE="1",
        TMPDIR=str(scratch),
    )
    lanes = jobs.JobLanes(JobStore(home))
    sys.modules["argilla_server.jobs.queues"] = jobs.as_module(lanes)
    sys.modules.update(stand_ins())
    return lanes
