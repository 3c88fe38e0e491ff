"""Signing requests as the Standard Webhooks specification (version 1) says: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from bot.adapters.push import Forged, is_fresh
from models.errors import SettingsError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""The headers."""
FRESH_S = 300
"""How far a request's time may lie from ours."""
_PREFIX, _VERSION = "whsec_", "v1,"
_KEY_BYTES = 24


def key_of(secret: str) -> bytes:
    """The key of a secret: ``whsec_`` and base64, or any other text as it stands. Raises SettingsError."""
    try:
        key = base64.b64decode(secret[len(_PREFIX) :], validate=True) if secret.startswith(_PREFIX) else secret.encode()
    except binascii.Error as error:
        raise SettingsError(f"the webhook's secret begins with {_PREFIX}, but what follows is no base64") from error
    if len(key) < _KEY_BYTES:
        raise SettingsError(
            f"the webhook's secret has {len(key)} bytes; it needs {_KEY_BYTES}: openssl rand -base64 32 makes one"
        )
    return key


def signed(key: bytes, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a request; ``at`` is now, in seconds since 1970."""
    return {ID: message_id, TIMESTAMP: str(at), SIGNATURE: _VERSION + _mac(key, message_id, str(at), body)}


def check(key: bytes, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise Forged unless a request is fresh and one of its signatures (there are two in a rotation) is ours."""
    message_id, at, given = headers.get(ID, ""), headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    expected = (_VERSION + _mac(key, message_id, at, body)).encode()
    matches = [hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given.split()]
    if not any(matches):
        raise Forged("the signature does not fit")
    if not is_fresh(at, now, FRESH_S):
        raise Forged(f"the time of the request is more than {FRESH_S} seconds away from ours")


def _mac(key: bytes, message_id: str, at: str, body: bytes) -> str:
    what = f"{message_id}.{at}.".encode("utf-8", "replace") + body
    return base64.b64encode(hmac.new(key, what, hashlib.sha256).digest()).decode()
