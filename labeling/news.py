"""What annotators' work did, told where they look: on top of the guidelines of the queue."""

from datetime import datetime

from labeling.effect import Rates, Work
from labeling.titles import Tongue

_HEADINGS = {"en": "## What your labels did", "zh": "## 你们的标注起了什么作用"}
_END = "\n\n---\n\n"


def news_of(work: Work, rates: Rates | None, since: datetime | None, tongue: Tongue) -> str:
    """Say in markdown what everybody's labels did; empty where no promoted model has learned from any.

    ``since`` is when the newest model began to serve. Of the ask rate only what is known is said.
    """
    if since is None or work.used == 0:
        return ""
    said = [_LEARNED[tongue].format(day=since.date().isoformat(), used=work.used, since=work.since)]
    if rates is not None:
        numbers = {
            "before": f"{rates.before:.0%}",
            "after": f"{rates.after:.0%}",
            "low": f"{rates.low:+.0%}",
            "high": f"{rates.high:+.0%}",
            "bursts": sum(rates.bursts),
        }
        said.append((_RATES if rates.clear else _UNCLEAR)[tongue].format(**numbers))
    return "\n\n".join((_HEADINGS[tongue], *said))


def with_news(news: str, guidelines: str) -> str:
    """Put news on top of guidelines; without any these stand alone."""
    return f"{news}{_END}{guidelines}" if news else guidelines


def without_news(text: str) -> str:
    """Take off what ``with_news`` put on top, in whatever language."""
    head, end, rest = text.partition(_END)
    return rest if end and head.startswith(tuple(_HEADINGS.values())) else text


_LEARNED = {
    "en": "The model that serves since {day} learned from {used} of your answers; {since} came in later.",
    "zh": "{day} 起使用的模型学习了你们的 {used} 个回答；此后又收到 {since} 个。",
}
_RATES = {
    "en": "Of the messages in rooms that both models saw, the one before had to ask about {before}, this one about "
    "{after} (difference {low} to {high}, {bursts} messages).",
    "zh": "在前后两个模型都见过的聊天室里，需要询问的消息从 {before} 变为 {after}"
    "（差 {low} 至 {high}，共 {bursts} 条）。",
}
_UNCLEAR = {
    "en": "How often it has to ask has not changed by more than chance: {before} of the messages before, {after} now "
    "(difference {low} to {high}, {bursts} messages).",
    "zh": "需要询问的比例尚无超出偶然的变化：此前 {before}，现在 {after}（差 {low} 至 {high}，共 {bursts} 条）。",
}
