"""Names that annotators know members by: the same animal for the same member in one room all day, and no way back."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date

from models.ids import RoomId

_ANIMALS = """
Adder Alpaca Badger Bat Bear Beaver Bee Bison Boar Camel Carp Cat Cobra Cod Crab Crane Cricket Crow Deer Dodo Dove
Duck Eagle Eel Elk Emu Falcon Ferret Finch Fox Frog Gecko Gibbon Goat Goose Gull Hare Hawk Hedgehog Heron Hippo Horse
Ibex Ibis Iguana Jackal Jay Kiwi Koala Lark Lemur Lion Lizard Llama Lobster Lynx Magpie Mole Moose Moth Mouse Newt
Ocelot Octopus Otter Owl Panda Parrot Pelican Perch Pike Pony Puffin Puma Quail Rabbit Raven Robin Salmon Seal Shark
Sheep Shrew Skunk Sloth Snail Sparrow Spider Squid Stork Swan Tapir Tiger Toad Trout Turtle Viper Vole Walrus Wasp
Weasel Whale Wolf Wombat Wren Yak Zebra
"""
ANIMALS = tuple(_ANIMALS.split())


def day_names(members: Iterable[str], *, room: RoomId, day: date, key: bytes) -> dict[str, str]:
    """Name members, given in the order in which they first spoke; who comes later never changes an earlier name.

    A member's animal follows from room, day, member and the secret ``key``, so that nobody can be followed from room to
    room or from day to day. Where it is taken they get the next free one; from the 108th on, one with a number.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for member in dict.fromkeys(members):
        said = "\x1f".join((room, day.isoformat(), member)).encode("utf-8", "replace")
        first = int.from_bytes(hmac.new(key, said, hashlib.sha256).digest()[:8], "big")
        turn = 1 + len(names) // len(ANIMALS)
        offered = (ANIMALS[(first + step) % len(ANIMALS)] for step in range(len(ANIMALS)))
        numbered = (name if turn == 1 else f"{name} {turn}" for name in offered)
        names[member] = next(name for name in numbered if name not in taken)
        taken.add(names[member])
    return names
