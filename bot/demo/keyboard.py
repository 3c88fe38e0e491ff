"""One keypress, awaited without holding up the loop."""

import asyncio
import os
import sys
import termios
import tty


async def pressed_yes() -> bool:
    """Wait for a key on the terminal and tell whether it was y; no where standard input is no terminal."""
    if not sys.stdin.isatty():
        return False
    descriptor = sys.stdin.fileno()
    loop = asyncio.get_running_loop()
    pressed: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        if not pressed.done():
            pressed.set_result(os.read(descriptor, 1))

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        return (await pressed).lower() == b"y"
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
