import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.privacy import mask, room_alias

MASKED = [
    ("mail me at joe.b+chat@example.co.uk please", "mail me at [e-mail] please"),
    ("my ip is 93.184.216.34", "my ip is [ip]"),
    ("ssh root@93.184.216.34:22", "ssh root@[ip]:22"),
    ("it answers on 8.8.8.8:53.", "it answers on [ip]:53."),
    ("ping6 2606:2800:220:1:248:1893:25c8:1946 hangs", "ping6 [ip] hangs"),
    ("call +44 20 7946 0958 now", "call [phone] now"),
    ("call (555) 010-4477", "call [phone]"),
    ("555-010-4477 is the desk", "[phone] is the desk"),
    ("我的手机号13800138000,邮箱joe@example.com", "我的手机号[phone],邮箱[e-mail]"),
    ("电话 13800138000 找我", "电话 [phone] 找我"),
    ("card 4111 1111 1111 1111 exp 12/30", "card [card] exp 12/30"),
    ("card 4111111111111111", "card [card]"),
    ("password=hunter2", "password=[secret]"),
    ("export API_KEY='abc def'", "export API_KEY=[secret] def'"),
    ("the password is hunter2!", "the password is [secret]"),
    ('{"token": "a8s7d6f5"}', '{"token": [secret]}'),
    ("密码\uff1aabc12345", "密码\uff1a[secret]"),
    ("AKIAIOSFODNN7EXAMPLE leaked", "[secret] leaked"),
    ("use ghp_abcdefghijklmnopqrstuvwxyz0123456789", "use [secret]"),
    ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: Bearer [secret]"),
    ("git clone https://me:pa55@example.org/x.git", "git clone https://[secret]@example.org/x.git"),
    ("d41d8cd98f00b204e9800998ecf8427e", "[secret]"),
    ("key Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZkdISUpLTE1OT1BRUlNUVVY=", "key [secret]"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- oops", "[secret] oops"),
]

KEPT = [
    "ubuntu 10.04.1.2 or 10.04?",
    "kernel 2.6.38.8 panics, version 93.184.216.34 does not",
    "libc6 2.11.1.3-0ubuntu7 and 1.2.3.4~beta",
    "my router is 192.168.1.1, the other 10.0.0.138 and 127.0.0.1",
    "see /usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstcoreelements.so",
    "/home/Bob/Documents/Work2010/Reports/Quarter3/FinalVersion2.odt",
    "http://paste.ubuntu.com/387231/ and https://bugs.launchpad.net/ubuntu/+source/linux/+bug/317781",
    "bug #1234567890 from 2010-04-12 10:30:45, pid 13371",
    "nick|away, _mike_, bob123: hi @alice",
    "/dev/sda1: UUID=3255683f-53a2-4fdf-91cf-b4c1041e2a62",
    "mac 00:1b:44:11:3a:b7 at 12:30:45",
    "commit 98d5dd3 and 4b825dc642cb",
    "forgot my password: how do I reset it?",
    "the password is wrong",
    "password=$PASS or password=<yours> or password=***",
    "order 1234 5678 9012 3456",  # no card: it begins with 1
    "4111 1111 1111 1112",  # no card: Luhn's check fails
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "ThisIsAVeryLongCamelCaseIdentifierNameUsedInSomeJavaProgram",
    "今天天气怎么样?你们用的是哪个版本 3.2.1.0 吗",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_masks_what_nobody_needs_to_see(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_keeps_what_annotators_need(text: str) -> None:
    assert mask(text) == text


@given(st.one_of(st.text(), st.from_regex(r"[\w.@:=/+ -]{0,60}")))
@settings(max_examples=200)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.lists(st.sampled_from([text for text, _ in MASKED]), max_size=4))
def test_masking_examples_twice_changes_nothing_more(texts: list[str]) -> None:
    text = " ; ".join(texts)
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "text", ["1." * 10_000, "a@" * 10_000, "0:" * 10_000, "password=" * 2_000, "4" * 20_000, "aB3/" * 5000]
)
def test_hostile_text_takes_no_longer_than_its_length_warrants(text: str) -> None:
    begun = time.perf_counter()
    mask(text)
    assert time.perf_counter() - begun < 1.0


def test_a_room_has_one_alias_that_the_key_decides() -> None:
    assert room_alias("#ubuntu", b"k") == room_alias("#ubuntu", b"k")
    assert room_alias("#ubuntu", b"k") != room_alias("#ubuntu", b"other")
    assert room_alias("#ubuntu", b"k") != room_alias("#debian", b"k")
    assert "ubuntu" not in room_alias("#ubuntu", b"k")
