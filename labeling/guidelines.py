"""What annotators read beside the form: how to work, and each question's own guidelines."""

import hashlib
from collections.abc import Sequence

from models.question import Question

_CHARS_MAX = 10_000  # Argilla takes no more

_INTRODUCTION = """\
**Above** stands the last message of one member of a group chat, **below** it the chat before, oldest first. Members are
called after animals, one name a day; what is in [brackets] was masked. A **note** says why you are asked once more.

**Answer for the last message only.** A marked answer with a score is a small model's guess: often wrong, so judge for
yourself. Discard what you cannot or do not want to judge.

**Keys**: the number marks an answer, once more unmarks it; Enter submits, Backspace discards, the arrows move on.

**Rewrite** only if the earlier chat is needed: a question that stands alone, with words from the chat.
"""

_CHINESE = """\
## 中文说明

上面是某位成员的最后一条消息，下面是此前的聊天，最早的在前；成员以动物名代替，[方括号]处已遮盖。只就最后一条消
息作答；带分数的选项只是小模型的猜测，请自行判断。无法判断的请丢弃。按数字键选择，Enter
提交，Backspace 丢弃，方向键翻页。只有需要前文时才改写，且只用聊天里的词。
"""


def guidelines_of(questions: Sequence[Question]) -> str:
    """Render the guidelines as markdown: how to work, a page for each question, and how to work in Chinese."""
    parts = [_INTRODUCTION, *map(_page, questions), _CHINESE]
    return "\n\n".join(parts)[:_CHARS_MAX]


def _page(question: Question) -> str:
    """What config.toml says of a question: its definition, without its id, and the guidelines with their examples."""
    definition = question.definition.removeprefix(f"{question.id}:").strip()
    asked = [f"*Only if the answer to {before} is {option}.*" for before, option in question.after.items()]
    return "\n\n".join((f"## {question.text}", *asked, definition[:1].upper() + definition[1:], question.guidelines))


def guideline_version(questions: Sequence[Question]) -> str:
    """Hash (12 hex digits) of all that annotators read beside the form; answers and labels carry it."""
    return hashlib.sha256(guidelines_of(questions).encode()).hexdigest()[:12]
