"""Masking what nobody else need see: addresses, numbers and secrets that people paste into chats.

Patterns, not understanding: what looks like a version, a path, a nickname or a commit stays, because annotators and
models need it; a name or a street is not recognised at all. ``quandary bench privacy`` tells how well it does.
"""

import hashlib
import hmac
import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

WORDS = {"email": "[e-mail]", "phone": "[phone]", "ip": "[ip]", "card": "[card]", "secret": "[secret]"}
"""What stands for each kind of thing."""

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^\s/:@\[\]]{1,100}:[^\s/@\[\]]{1,200}(?=@)")
_KNOWN_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"A(?:KIA|SIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[\w-]{20,255}"
    r"|hf_[A-Za-z0-9]{30,255}|npm_[A-Za-z0-9]{30,255}|sk-[A-Za-z0-9_-]{20,255}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,255}|AIza[\w-]{35}|ya29\.[\w-]{10,1000}|\d{8,10}:AA[\w-]{30,50}"
    r"|eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10,4000}"
    r")(?![A-Za-z0-9])",
    re.ASCII,
)
_BEARER = re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{16,4000}")
_NAMED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)|passwd|pwd|\bpw|\bpass|secret(?:[_-]?key)?|token|(?:api|access|auth)[_-]?key"
    r"|密码|口令)[\"']?(?P<sign>\s{0,3}(?:=|:|\uff1a|是|\bis\b)\s{0,3})(?P<value>[\"']?[^\s\"',;]{1,200}[\"']?)"
)
_OPTION = re.compile(r"(?i)\b(?:sshpass -p ?|mysql(?:dump|admin)?\b[^\n]{0,40}? -p)(?P<value>[^\s\"']{4,100})")
_PLACEHOLDER = re.compile(r"[\"']?(?:\*+|x+|\.+|<.*|\$.*|\[.*|[~.]?(?:/[\w.-]*)+)[\"']?$", re.IGNORECASE)
_CODE = re.compile(r"[(\[{]|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$")

_EMAIL = re.compile(
    r"(?<![\w.+-])(?!git@)(?:[\w.+-]{1,64}|[\w.+-]{1,20}'[\w.+-]{1,40})@(?:[\w-]{1,63}\.){1,5}(?P<top>[A-Za-z]{2,24})"
    r"(?![\w-])",
    re.ASCII,
)
_UNITS = frozenset({"service", "socket", "target", "timer", "mount", "slice", "local", "lan"})
"""What ends names of systemd's units and of hosts at home, and no address that anybody can write to."""

_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w~+-]|\.\d)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])", re.ASCII)
_BEFORE_VERSION = re.compile(
    r"(?i)(?:version|kernel|release|driver|firmware|linux|build|package|版本|固件|\bver\.?|\bv)[\s:=号]{0,3}$"
)
_BEFORE_ADDRESS = re.compile(
    r"(?i)(?:@|//|\b(?:ip|ips|address|addr|host|server|dns|nameserver|ping|ssh|dig|nmap|telnet|from|via|banned|connect))"
    r"(?:\s+(?:is|to|was))?[\s:=]{0,3}$"
)
_AFTER_ADDRESS = re.compile(r":\d|/\d")

_CARD = re.compile(r"(?<![\w.+-])[2-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-]|\.\d)", re.ASCII)
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}"
)
"""Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay: their first digits and lengths."""

_PHONE = re.compile(
    r"(?<![\w.+-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,5}"  # +44 20 7946 0958
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}"  # (555) 010-4477
    r"|\(0\d{2,4}\) ?\d{3,4}[ -]?\d{3,4}"  # (020) 7946 0000
    r"|(?:1-)?\d{3}-\d{3}-\d{4}"  # 555-010-4477
    r"|1[3-9]\d{9}"  # a mobile in China
    r"|1[3-9]\d[ -]\d{4}[ -]\d{4}"
    r"|0\d{2,3}-\d{7,8}"  # a landline there
    r")(?![\w-]|\.\d)",
    re.ASCII,  # a number may stand right after a Chinese character
)
_PLAIN_PHONE = re.compile(r"(?<![\w.+-])\d{2,5}(?:[ -]?\d{2,8}){1,3}(?![\w-]|\.\d)", re.ASCII)
_BEFORE_PHONE = re.compile(
    r"(?i)(?:\b(?:phone|tel|telephone|cell|mobile|call|ring|text|sms|fax|whatsapp)(?:\W[^\d\n]{0,12})?"
    r"|(?:电话|手机|座机|致电|拨打)[^\d\n]{0,6})$"
)
_PHONE_DIGITS = range(8, 16)

_HEX = re.compile(r"(?<![\w-])(?:0x)?[0-9a-fA-F]{32,4000}(?![\w-])", re.ASCII)
_BEFORE_HASH = re.compile(
    r"(?i)(?:commits?|sha-?\d{0,3}|md5(?:sum)?|checksum|hash|digest|blob|tree|revision|rev)\b\W{0,3}(?:\w{1,8} ){0,2}$"
    r"|gist\S{0,36}$"
)
_COMMIT_DIGITS = 40
_BASE64 = re.compile(r"(?<![\w/+~.=-])[A-Za-z0-9+][A-Za-z0-9+/_-]{38,4000}={0,2}(?![\w/+.-])")
_KEY_BITS = 4.2
"""Bits per character above which a long string is taken for a random key; English text and paths lie below 4.2."""

_BEFORE = 40  # characters looked at before something found
_PASSES = 8

Found = re.Match[str]
Span = tuple[int, int, str]
"""Begin, end, and a kind out of ``WORDS``."""


def mask(text: str) -> str:
    """Replace addresses, numbers and secrets by bracketed words; masking twice changes nothing more."""
    for _ in range(_PASSES):
        found = spans(text)
        if not found:
            return text
        parts, at = [], 0
        for begin, end, kind in found:
            parts += [text[at:begin], WORDS[kind]]
            at = end
        text = "".join(parts) + text[at:]
    return text


def spans(text: str) -> list[Span]:
    """Find what is to be masked, in order and without overlap; where two detectors disagree the earlier one counts."""
    taken: list[Span] = []
    for kind, pattern, part, holds in _DETECTORS:
        new = [(*found.span(part), kind) for found in pattern.finditer(text) if holds(found)]
        if new:
            taken = sorted([*taken, *_clear_of(taken, new)])
    return taken


def room_alias(room: str, key: bytes) -> str:
    """Name a room so that nobody without the key can tell which one it is, the same at every time."""
    return "room-" + hmac.new(key, room.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:8]


def _clear_of(taken: list[Span], new: list[Span]) -> Iterator[Span]:
    """Those of new spans that touch none of the others; both are in order."""
    place = 0
    for begin, end, kind in new:
        while place < len(taken) and taken[place][1] <= begin:
            place += 1
        if begin < end and (place == len(taken) or taken[place][0] >= end):
            yield begin, end, kind


def _before(found: Found, part: int | str = 0) -> str:
    begin = found.start(part)
    return found.string[max(0, begin - _BEFORE) : begin]


def _always(_: Found) -> bool:
    return True


def _is_secret(found: Found) -> bool:
    """Tell whether ``password=...`` has a value; after a colon, a blank or "is" only what is no word of a sentence."""
    value, sign = found["value"], found["sign"]
    plain = value.strip("\"'")
    if _PLACEHOLDER.match(value) or not plain or _CODE.search(plain):
        return False
    if sign == "=":
        return True
    odd = any(not character.isalpha() for character in plain[:-1].replace("-", "").replace("_", ""))
    return len(plain) >= 4 and odd and any(character.isalpha() for character in plain)


def _is_option(found: Found) -> bool:
    return not _PLACEHOLDER.match(found["value"])


def _is_email(found: Found) -> bool:
    return found["top"].lower() not in _UNITS


def _is_ipv4(found: Found) -> bool:
    """Public, and no version: small numbers only, without a sign of an address around them, are one."""
    if not _is_public(found):
        return False
    before = _before(found)
    if _BEFORE_VERSION.search(before):
        return False
    numbers = [int(number) for number in found[0].split(".")]
    small = numbers[0] < 20 and max(numbers) < 100 and len(set(numbers)) > 1
    return not small or bool(_BEFORE_ADDRESS.search(before) or _AFTER_ADDRESS.match(found.string, found.end()))


def _is_public(found: Found) -> bool:
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _is_card(found: Found) -> bool:
    """First digits and length of an issuer's, and Luhn's check."""
    digits = "".join(character for character in found[0] if character.isdigit())
    if not _ISSUERS.fullmatch(digits):
        return False
    values = [int(digit) for digit in digits]
    doubled = [d * 2 - 9 if d * 2 > 9 else d * 2 for d in values[-2::-2]]
    return (sum(values[-1::-2]) + sum(doubled)) % 10 == 0


def _is_phone(found: Found) -> bool:
    return _digits(found[0]) in _PHONE_DIGITS


def _is_called(found: Found) -> bool:
    return _is_phone(found) and bool(_BEFORE_PHONE.search(_before(found)))


def _is_bare_hex(found: Found) -> bool:
    """Hexadecimal digits that are no commit, and of which nothing says that they are a checksum."""
    digits = found[0].removeprefix("0x")
    if len(digits) == _COMMIT_DIGITS or len(set(digits.lower())) <= 6:
        return False
    return not _BEFORE_HASH.search(_before(found))


def _is_key(found: Found) -> bool:
    """Random looking: upper, lower, at least three digits, few slashes, and many bits a character."""
    text = found[0]
    kinds = (any(c.isupper() for c in text), any(c.islower() for c in text), _digits(text) >= 3)
    if not all(kinds) or text.count("/") > len(text) // 15 or text.count("-") + text.count("_") > len(text) // 10:
        return False
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return bits >= _KEY_BITS


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


_DETECTORS: tuple[tuple[str, re.Pattern[str], int | str, Callable[[Found], bool]], ...] = (
    ("secret", _PEM, 0, _always),
    ("secret", _LOGIN_IN_URL, 0, _always),
    ("secret", _KNOWN_TOKEN, 0, _always),
    ("secret", _BEARER, 0, _always),
    ("secret", _NAMED, "value", _is_secret),
    ("secret", _OPTION, "value", _is_option),
    ("email", _EMAIL, 0, _is_email),
    ("ip", _IPV4, 0, _is_ipv4),
    ("ip", _IPV6, 0, _is_public),
    ("card", _CARD, 0, _is_card),
    ("phone", _PHONE, 0, _is_phone),
    ("phone", _PLAIN_PHONE, 0, _is_called),
    ("secret", _HEX, 0, _is_bare_hex),
    ("secret", _BASE64, 0, _is_key),
)
"""Kind, pattern, which part of it is masked, and whether what it found counts; in order of precedence."""
