"""Everything that the bot says of its own, in English and Chinese.

The words in braces are filled in by ``str.format`` with values that are never read as templates. What the bot answers
to questions comes from elsewhere (``bot.answer``), in the language of the question.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.manners import Hold
from bot.orders import Tongue
from models.consent import Mode
from models.decision import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """All sentences in one language."""

    introduction: str
    modes: dict[Mode, str]
    """What becomes of what members write: {days}"""
    choices: str
    """How to be left out."""

    help: str
    """{reaction}"""
    help_reaction: str
    """{key}, a reaction that stands for a recall"""
    unknown: str
    """An order that is none."""

    why_model: str
    """{revision}"""
    why_decision: str
    """{question} {option} {percent} {sure}"""
    why_sure: str
    why_unsure: str
    why_route: str
    """{route} {reason}"""
    why_nothing: str
    """Nothing was decided about it, or not yet."""
    why_whose: str
    """It is neither the asker's nor a reply of the bot."""
    why_failed: str
    """The model could not read it."""
    routes: dict[Route, str]
    replied: str
    recalled: str
    not_replied: str
    held: str
    """{reason}"""
    holds: dict[Hold, str]

    recall_nothing: str
    recall_whose: str
    recall_impossible: str

    admins_only: str
    admins_unknown: str
    """The platform did not tell who is an admin."""
    paused: str
    paused_hours: str
    """{hours}"""
    resumed: str

    opted_out: str
    opted_out_everywhere: str
    opted_in: str
    opted_in_everywhere: str
    forgotten: str
    """{report}"""
    forgotten_everywhere: str
    """{report}"""


ENGLISH = Sentences(
    introduction="Hello, I am a bot that reads along here. A small model decides whether a message asks something.",
    modes={
        Mode.LISTEN: "What you write is shown to nobody, trains nothing and is erased after {days} days.",
        Mode.LABEL: (
            "Where it is not sure, people may be shown the message and those before it, without names, to tell; "
            "messages that nobody was asked about are erased after {days} days. No model learns from what you write."
        ),
        Mode.TRAIN: (
            "Where it is not sure, people may be shown the message and those before it, without names, to tell it, and "
            "models are trained on their answers; messages that nobody was asked about are erased after {days} days."
        ),
    },
    choices="!quandary optout leaves your messages out, !quandary forget erases them, !quandary help tells more.",
    help=(
        "I am a bot that reads along. A small model decides whether a message asks something; where it is sure I "
        "reply, where it is not, people may be asked, depending on what this room agreed to.\n"
        "!quandary why - what I decided about your last message, or about the reply that you answer\n"
        "!quandary recall - take my reply back (who asked, and admins{reaction})\n"
        "!quandary optout [everywhere] - leave your messages out; optin undoes it\n"
        "!quandary forget [everywhere] - erase what I kept of your messages\n"
        "!quandary pause [hours], resume - silence me here (admins)"
    ),
    help_reaction="; {key} on the reply does the same",
    unknown="I do not know that order, and did nothing. !quandary help lists those that I know.",
    why_model="The model {revision} decided:",
    why_decision="- {question} {option} ({percent} %, {sure})",
    why_sure="sure enough",
    why_unsure="not sure enough",
    why_route="So: {route} [{reason}].",
    why_nothing="I have decided nothing about that, or not yet.",
    why_whose="I tell that only about your own messages and my replies in this room.",
    why_failed="The model could not read it, so nothing was decided.",
    routes={Route.ACT: "reply", Route.ASK: "ask people", Route.PASS: "stay silent"},
    replied="I replied.",
    recalled="I replied, and the reply was taken back.",
    not_replied="No reply was given ({reason}).",
    held="I held the reply back: {reason}.",
    holds={
        Hold.BOT: "I never answer bots",
        Hold.PAUSED: "an admin had paused me",
        Hold.UNMENTIONED: "in this room I reply only to messages that mention me",
        Hold.QUIET: "it was in the quiet hours of this room",
        Hold.ROOM: "I had said enough in this room within the hour",
        Hold.MEMBER: "I had replied to you often enough within the hour",
    },
    recall_nothing="I find no reply of mine here to take back.",
    recall_whose="Only who asked and this room's admins can have a reply taken back.",
    recall_impossible="I cannot take messages back here; I have noted that the reply was not wanted.",
    admins_only="Only this room's admins can tell me that.",
    admins_unknown="I could not find out whether you are an admin of this room; please try again later.",
    paused="I say nothing here until an admin writes: !quandary resume",
    paused_hours="I say nothing here for {hours} h, or until an admin writes: !quandary resume",
    resumed="I am back.",
    opted_out=(
        "Done: what you write in this room is no longer kept, decided or shown to anybody. "
        "!quandary forget erases what I have; !quandary optin undoes it; with the word everywhere it holds in all "
        "rooms."
    ),
    opted_out_everywhere=(
        "Done: what you write is no longer kept, decided or shown to anybody, in any room. "
        "!quandary forget everywhere erases what I have; !quandary optin everywhere undoes it."
    ),
    opted_in="Done: I read your messages in this room again.",
    opted_in_everywhere="Done: I read your messages again, in all rooms.",
    forgotten="What I kept of your messages in this room is being erased. Report: {report}",
    forgotten_everywhere="What I kept of your messages, in all rooms, is being erased. Report: {report}",
)

CHINESE = Sentences(
    introduction="大家好，我是在本群旁听的机器人。一个小模型判断消息是不是在提问。",
    modes={
        Mode.LISTEN: "你们写的内容不给任何人看，也不用来训练模型，{days} 天后删除。",
        Mode.LABEL: (
            "它没有把握时，可能会把那条消息和前面的几条（不带姓名）给人看，请人判断；"
            "没有请人判断的消息 {days} 天后删除。你们写的内容不用来训练模型。"
        ),
        Mode.TRAIN: (
            "它没有把握时，可能会把那条消息和前面的几条（不带姓名）给人看，请人判断，并用答案训练模型；"
            "没有请人判断的消息 {days} 天后删除。"
        ),
    },
    choices="发送 !quandary 退出 可以不被读取，!quandary 忘记 会删除你的消息，!quandary 帮助 可以了解更多。",
    help=(
        "我是一个旁听群聊的机器人。一个小模型判断消息是不是在提问：有把握时我才回复，"
        "没把握时可能请人来判断，这取决于本群同意的范围。\n"
        "!quandary 为什么 - 说明我对你上一条消息（或你所回复的那条回答）做了什么判断\n"
        "!quandary 撤回 - 撤回我的回答（提问者和管理员可用{reaction}）\n"
        "!quandary 退出 [所有群] - 不再读取你的消息；用 加入 恢复\n"
        "!quandary 忘记 [所有群] - 删除我保存的你的消息\n"
        "!quandary 暂停 [小时数]、恢复 - 让我在本群安静（管理员可用）"
    ),
    help_reaction="；对回答点 {key} 也一样",
    unknown="我不认识这个命令，什么也没有做。发送 !quandary 帮助 可以看到全部命令。",
    why_model="模型 {revision} 的判断：",
    why_decision="- {question} {option}（{percent} %，{sure}）",
    why_sure="有把握",
    why_unsure="没有把握",
    why_route="因此：{route} [{reason}]。",
    why_nothing="关于这条消息我没有做判断，或者还没来得及。",
    why_whose="我只说明你自己的消息，以及我在本群的回答。",
    why_failed="模型读不了这条消息，所以没有做判断。",
    routes={Route.ACT: "回复", Route.ASK: "请人判断", Route.PASS: "保持安静"},
    replied="我已经回复。",
    recalled="我回复过，后来撤回了。",
    not_replied="没有发出回复（{reason}）。",
    held="我没有发出回复：{reason}。",
    holds={
        Hold.BOT: "我从不回答机器人",
        Hold.PAUSED: "管理员让我暂停了",
        Hold.UNMENTIONED: "在本群我只回复提到我的消息",
        Hold.QUIET: "当时是本群的安静时段",
        Hold.ROOM: "这一小时内我在本群说得够多了",
        Hold.MEMBER: "这一小时内我回复你的次数够多了",
    },
    recall_nothing="这里没有找到可以撤回的回答。",
    recall_whose="只有提问者和本群管理员可以撤回回答。",
    recall_impossible="我在这里无法撤回消息；我已记下这条回答不受欢迎。",
    admins_only="只有本群管理员可以这样吩咐我。",
    admins_unknown="我没能确认你是不是本群管理员，请稍后再试。",
    paused="我在本群不再说话，直到管理员发送：!quandary 恢复",
    paused_hours="我在本群 {hours} 小时内不再说话，管理员也可以提前发送：!quandary 恢复",
    resumed="我回来了。",
    opted_out=(
        "好的：你在本群发的消息不再保存、不再判断、也不给任何人看。"
        "!quandary 忘记 会删除已保存的内容；!quandary 加入 可以恢复；加上 所有群 则对所有群有效。"
    ),
    opted_out_everywhere=(
        "好的：你在所有群发的消息不再保存、不再判断、也不给任何人看。"
        "!quandary 忘记 所有群 会删除已保存的内容；!quandary 加入 所有群 可以恢复。"
    ),
    opted_in="好的：我在本群重新读取你的消息。",
    opted_in_everywhere="好的：我在所有群重新读取你的消息。",
    forgotten="我保存的你在本群的消息正在删除。报告编号：{report}",
    forgotten_everywhere="我保存的你在所有群的消息正在删除。报告编号：{report}",
)

SENTENCES: dict[Tongue, Sentences] = {"en": ENGLISH, "zh": CHINESE}

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_HAN_A_WORD = 2
"""About as many Chinese characters say what one English word does."""


def spoken(texts: Iterable[str]) -> Tongue:
    """Tell which of the two languages texts are mostly in, by their script; English where nothing tells."""
    whole = "\n".join(texts)
    return "zh" if len(_HAN.findall(whole)) > _HAN_A_WORD * len(_LATIN.findall(whole)) else "en"
