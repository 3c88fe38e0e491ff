"""Masking what annotators need not see: addresses, numbers and secrets that people paste into chats.

Patterns, not understanding: what looks like a version, a path, a nickname or a short hash stays, because annotators
need it; a name or a street is not recognised at all.
"""

import hashlib
import hmac
import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable

EMAIL, PHONE, IP, CARD, SECRET = "[e-mail]", "[phone]", "[ip]", "[card]", "[secret]"

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^\s/:@\[\]]{1,100}:[^\s/@\[\]]{1,200}(?=@)")
_KNOWN_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"A(?:KIA|SIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[\w-]{20,255}"
    r"|hf_[A-Za-z0-9]{30,255}|sk-[A-Za-z0-9_-]{20,255}|xox[abeoprs]-[A-Za-z0-9-]{10,255}|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10,4000}"
    r")(?![A-Za-z0-9])"
)
_BEARER = re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{16,4000}")
_NAMED = re.compile(
    r"(?i)(?P<name>(?:pass(?:word|wd|phrase)|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|密码|口令)"
    r"[\"']?)(?P<sign>\s{0,3}(?:=|:|\uff1a|是|\bis\b)\s{0,3})(?P<value>[\"']?[^\s\"',;]{1,200}[\"']?)"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,5}(?![\w-])", re.ASCII)
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w~+-]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_BEFORE_VERSION = re.compile(
    r"(?i)(?:version|kernel|release|driver|firmware|linux|build|package|版本|\bver\.?|\bv)[\s:=]{0,3}$"
)
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-]|\.\d)", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w.+-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}"  # +44 20 7946 0958
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}"  # (555) 010-4477
    r"|\d{3}-\d{3}-\d{4}"  # 555-010-4477
    r"|1[3-9]\d{9}"  # a mobile in China
    r"|1[3-9]\d[ -]\d{4}[ -]\d{4}"
    r")(?![\w-]|\.\d)",
    re.ASCII,  # a number may stand right after a Chinese character
)
_HEX = re.compile(r"(?<![\w-])(?:0x)?[0-9a-fA-F]{32,4000}(?![\w-])", re.ASCII)
_BASE64 = re.compile(r"(?<![\w/+~.=-])[A-Za-z0-9+][A-Za-z0-9+/_-]{38,4000}={0,2}(?![\w/+.-])")
_PLACEHOLDER = re.compile(r"[\"']?(?:\*+|x+|\.+|<.*|\$.*|\[secret\].*|\[.*)[\"']?$", re.IGNORECASE)

_PHONE_DIGITS = range(8, 16)
_CARD_DIGITS = range(13, 20)
_KEY_BITS = 4.2
"""Bits per character above which a long string is taken for a random key; English text and paths lie below 4.2."""


def mask(text: str) -> str:
    """Replace addresses, numbers and secrets by bracketed words; masking twice changes nothing more."""
    text = _PEM.sub(SECRET, text)
    text = _LOGIN_IN_URL.sub(SECRET, text)
    text = _KNOWN_TOKEN.sub(SECRET, text)
    text = _BEARER.sub(SECRET, text)
    text = _NAMED.sub(_named_secret, text)
    text = _EMAIL.sub(EMAIL, text)
    text = _IPV4.sub(_public_ipv4, text)
    text = _replace_if(_IPV6, IP, _is_public, text)
    text = _replace_if(_CARD, CARD, _is_card, text)
    text = _replace_if(_PHONE, PHONE, lambda found: _digits(found) in _PHONE_DIGITS, text)
    text = _replace_if(_HEX, SECRET, lambda found: len(set(found.lower())) > 6, text)
    return _replace_if(_BASE64, SECRET, _is_key, text)


def room_alias(room: str, key: bytes) -> str:
    """Name a room so that nobody without the key can tell which one it is, the same at every time."""
    return "room-" + hmac.new(key, room.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:8]


def _replace_if(pattern: re.Pattern[str], word: str, holds: Callable[[str], bool], text: str) -> str:
    return pattern.sub(lambda found: word if holds(found[0]) else found[0], text)


def _named_secret(found: re.Match[str]) -> str:
    """Mask the value in ``password=...``; after a colon or "is" only what looks like no word of a sentence."""
    value = found["value"]
    plain = value.strip("\"'")
    if _PLACEHOLDER.match(value) or not plain:
        return found[0]
    told = found["sign"].strip() != "="
    if told and not (len(plain) >= 4 and any(c.isalpha() for c in plain) and any(not c.isalpha() for c in plain[:-1])):
        return found[0]
    return f"{found['name']}{found['sign']}{SECRET}"


def _public_ipv4(found: re.Match[str]) -> str:
    before = found.string[max(0, found.start() - 20) : found.start()]
    if _BEFORE_VERSION.search(before) or not _is_public(found[0]):
        return found[0]
    return IP


def _is_public(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _is_card(text: str) -> bool:
    """Luhn's check over 13 to 19 digits."""
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = [d * 2 - 9 if d * 2 > 9 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_key(text: str) -> bool:
    """Random looking: upper, lower, at least three digits, few slashes, and many bits a character."""
    kinds = (any(c.isupper() for c in text), any(c.islower() for c in text), _digits(text) >= 3)
    if not all(kinds) or text.count("/") > len(text) // 15 or text.count("-") + text.count("_") > len(text) // 10:
        return False
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return bits >= _KEY_BITS
