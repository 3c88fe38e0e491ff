"""A model server that speaks OpenAI's protocol, the second backend: the only place in models that knows aiohttp."""

from models.remote.decider import RemoteDecider, open_remote
from models.remote.identity import calibration_place, server_hash, server_revision

__all__ = ["RemoteDecider", "calibration_place", "open_remote", "server_hash", "server_revision"]
