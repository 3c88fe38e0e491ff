"""How Lark signs and encrypts the events that it pushes, with the app's Encrypt Key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from bot.adapters.push import Forged, is_fresh

TIMESTAMP, NONCE, SIGNATURE = "X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature"
"""The headers."""
FRESH_S = 24 * 3600
"""How far a push's time may lie from ours: Lark tries again for about seven hours."""
_BLOCK_BYTES = 16
_BLOCK_BITS = 8 * _BLOCK_BYTES


def signature(encrypt_key: str, timestamp: str, nonce: str, body: bytes) -> str:
    """SHA-256 over timestamp, nonce, key and body, in hexadecimal digits."""
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode("utf-8", "replace") + body).hexdigest()


def check(encrypt_key: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise Forged unless a push is signed and of today."""
    at = headers.get(TIMESTAMP, "")
    expected = signature(encrypt_key, at, headers.get(NONCE, ""), body)
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode("utf-8", "replace")):
        raise Forged("the signature does not fit; is encrypt_key_env the app's Encrypt Key?")
    if not is_fresh(at, now, FRESH_S):
        raise Forged("the push is more than a day old, or our clock is wrong")


def decrypt(encrypt_key: str, sealed: str) -> bytes:
    """AES-256-CBC with the key's SHA-256, the first block being the initial vector. Raises Forged."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES(_key(encrypt_key)), modes.CBC(raw[:_BLOCK_BYTES])).decryptor()
        padded = decryptor.update(raw[_BLOCK_BYTES:]) + decryptor.finalize()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except (ValueError, binascii.Error) as error:
        raise Forged("the push cannot be decrypted with our Encrypt Key") from error


def _key(encrypt_key: str) -> bytes:
    return hashlib.sha256(encrypt_key.encode()).digest()
