"""How Lark signs and encrypts the events that it pushes, with the app's Encrypt Key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from bot.adapters.receiver import Refused

TIMESTAMP, NONCE, SIGNATURE = "X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature"
"""The headers."""
FRESH_S = 24 * 3600
"""How far a push's time may lie from ours: Lark tries again for about seven hours."""
_BLOCK_BYTES = 16
_BLOCK_BITS = 8 * _BLOCK_BYTES
_HTTP_FORGED = 401


def signature(encrypt_key: str, timestamp: str, nonce: str, body: bytes) -> str:
    """SHA-256 over timestamp, nonce, key and body, in hexadecimal digits."""
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode("utf-8", "replace") + body).hexdigest()


def check(encrypt_key: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise Refused (401) unless a push is signed and of today."""
    at = headers.get(TIMESTAMP, "")
    expected = signature(encrypt_key, at, headers.get(NONCE, ""), body)
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode("utf-8", "replace")):
        raise Refused("the signature does not fit; is encrypt_key_env the app's Encrypt Key?", status=_HTTP_FORGED)
    if not at.isascii() or not at.isdigit() or abs(now - int(at)) > FRESH_S:
        raise Refused("the push is more than a day old, or our clock is wrong", status=_HTTP_FORGED)


def decrypt(encrypt_key: str, sealed: str) -> bytes:
    """AES-256-CBC with the key's SHA-256, the first block being the initial vector. Raises Refused (401)."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES(_key(encrypt_key)), modes.CBC(raw[:_BLOCK_BYTES])).decryptor()
        padded = decryptor.update(raw[_BLOCK_BYTES:]) + decryptor.finalize()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except (ValueError, binascii.Error) as error:
        raise Refused("the push cannot be decrypted with our Encrypt Key", status=_HTTP_FORGED) from error


def _key(encrypt_key: str) -> bytes:
    return hashlib.sha256(encrypt_key.encode()).digest()
