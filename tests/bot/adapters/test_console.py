import asyncio
import io
import os

from bot.adapters.console import ConsoleChat


async def test_lines_are_messages_and_replies_are_printed():
    reading, writing = os.pipe()
    out = io.StringIO()
    async with ConsoleChat(reading, out) as chat:
        events = chat.events(None)
        os.write(writing, "hello\n\nAnn: 你好 there\n".encode())
        first = await asyncio.wait_for(anext(events), 5)
        second = await asyncio.wait_for(anext(events), 5)
        os.write(writing, b"no newline at the end")
        os.close(writing)
        rest = [event async for event in events]
        await chat.reply(first.room, None, first.id, "an answer")
    assert [(e.sender, e.text) for e in [first, second, *rest]] == [
        ("you", "hello"),
        ("Ann", "你好 there"),
        ("you", "no newline at the end"),
    ]
    assert len({first.id, second.id, rest[0].id}) == 3
    assert out.getvalue() == "bot> an answer\n"
    os.close(reading)
