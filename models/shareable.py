"""A burst as it may leave the database, for datasets and exports: friendly names, and nothing that is to be masked."""

from dataclasses import replace

from models.chat import Burst
from models.chattext import friendly_names, rename
from models.ids import MemberId
from models.privacy import mask


def shareable(burst: Burst) -> Burst:
    """Replace senders and mentions of them by S, P1, P2 ..., and mask texts; done twice it changes nothing more.

    A prompt that is rendered from it is the one rendered from the original, but for what is masked.
    """
    names = friendly_names(burst.sender, (message.sender for message in burst.window))
    window = tuple(
        replace(message, sender=MemberId(names[message.sender]), text=mask(rename(message.text, names)))
        for message in burst.window
    )
    return replace(burst, sender=MemberId(names[burst.sender]), text=mask(rename(burst.text, names)), window=window)
