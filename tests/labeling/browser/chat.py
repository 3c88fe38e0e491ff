"""An invented group chat: what the annotators' page shows in tests and in docs/images. Nobody ever said any of it."""

from datetime import UTC, datetime, timedelta

from models.chat import Burst, WindowMessage
from models.ids import BurstId, EventId, MemberId, RoomId

MORNING = datetime(2026, 11, 21, 9, tzinfo=UTC)
ROOM = RoomId("!repair-cafe:example.org")
SCRIPT = "<script>document.title='owned';alert(1)</script>"
IMAGE = "<img src=x onerror=\"alert('img')\"><b>bold?</b>"
MARKDOWN = "**stars** [a link](javascript:alert(2)) `code` {{record}} ${7*7} &lt;i&gt;"

CHAT: tuple[tuple[str, str], ...] = (
    ("@mira:example.org", "morning all, workshop opens at ten"),
    ("@jonas:example.org", "the blue sewing machine is back from the repair cafe"),
    ("@teo:example.org", "nice"),
    ("@mira:example.org", "it needed a new belt, 8 euros"),
    ("@jonas:example.org", "mine squeaks when I go faster than walking pace, any ideas?"),
    ("@teo:example.org", "oil the hook race, one drop"),
    ("@jonas:example.org", "ok"),
    ("@lin:example.org", "which oil?"),
    ("@teo:example.org", "sewing machine oil, the clear one. not the stuff for bikes"),
    ("@lin:example.org", "thanks!"),
    ("@ada:example.org", "à quelle heure est-ce que vous ouvrez samedi ?"),
    ("@mira:example.org", "à dix heures"),
    (
        "@sam:example.org",
        "can someone lend me the soldering station on Thursday\nI would bring it back on Friday",
    ),
    ("@mira:example.org", "it is booked, sorry. @ada:example.org has it"),
    ("@sam:example.org", f"my page for the poster says {SCRIPT} and {IMAGE}\nwhy does it not show?"),
    ("@teo:example.org", f"somebody pasted {MARKDOWN} there"),
    ("@sam:example.org", "and how do I get rid of it?"),
    ("@lin:example.org", "lol"),
    ("@jonas:example.org", "the squeak is gone, you are great"),
    ("@ada:example.org", "does anybody have a spare fuse, 3.15 A slow, for the toaster from last week"),
)


def bursts() -> tuple[Burst, ...]:
    """One burst for each message from the fifth on, with the up to 12 messages before it."""
    return tuple(_burst(number) for number in range(4, len(CHAT)))


def _burst(number: int) -> Burst:
    sender, text = CHAT[number]
    at = MORNING + timedelta(minutes=7 * number)
    before = range(max(0, number - 12), number)
    return Burst(
        id=BurstId(f"burst-{number:02}"),
        room=ROOM,
        sender=MemberId(sender),
        text=text,
        window=tuple(WindowMessage(sender=CHAT[n][0], text=CHAT[n][1], id=EventId(f"m{n}")) for n in before),
        started_at=at,
        ended_at=at,
        message_ids=(EventId(f"m{number}"),),
    )
