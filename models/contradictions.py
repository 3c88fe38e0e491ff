"""What contradicts itself in config.toml, found in the raw tables, whatever else is wrong with them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

RESERVED = frozenset(
    {"rewrite", "text", "window", "cr_window", "sender", "weight", "room", "id", "conv"}
    | {"label", "timestamp", "responses", "burst", "request"}
)
"""Names that labelled files and label forms use themselves; no question may be called so."""

Fault = tuple[tuple[str | int, ...], str]
"""Where in the file, and what is wrong."""


def contradictions(tables: Mapping[str, Any]) -> list[Fault]:
    """All faults that no single value shows; values of the wrong type are left to whoever checks types."""
    chat, argilla = _table(tables.get("chat")), _table(tables.get("argilla"))
    found: list[Fault] = []
    if chat.get("adapter") == "replay" and chat.get("path") is None:
        found.append((("chat",), 'adapter = "replay" needs path, the file of messages'))
    if chat.get("adapter") == "matrix":
        matrix = _table(tables.get("matrix"))
        wanted = {"homeserver": "the address of the server, https://...", "user": "the bot's whole id, @name:server"}
        missing = [key for key in wanted if not matrix.get(key)]
        found += [(("matrix",), f'adapter = "matrix" needs {key}, {wanted[key]}') for key in missing]
    if chat.get("adapter") == "lark" and not _table(tables.get("lark")).get("app_id"):
        found.append((("lark",), 'adapter = "lark" needs app_id, the App ID of the developer console'))
    if argilla.get("url") is not None and argilla.get("api_key_env") is None:
        said = "url needs api_key_env, the name of the environment variable that holds the API key"
        found.append((("argilla",), said))
    train = _table(tables.get("train"))
    if train.get("select", "all") == "all" and train.get("select_share", 1.0) != 1.0:
        said = 'select_share needs select: by what to choose the share; select = "all" keeps every label'
        found.append((("train",), said))
    found += _rooms(tables.get("room"))
    found += [(("decide", *where), said) for where, said in _server(_table(tables.get("decide")))]
    given = tables.get("question")
    questions = [_table(question) for question in given] if isinstance(given, list | tuple) else []
    seen: dict[str, list[str]] = {}
    for place, question in enumerate(questions):
        here = ("question", place)
        found += [(here, said) for said in (*_names(question, seen), *_options(question))]
        found += [((*here, "after"), said) for said in _order(question, seen)]
        if isinstance(question.get("id"), str):
            seen.setdefault(question["id"], _ids(question))
    return found


def _rooms(given: object) -> Iterator[Fault]:
    ids = [_table(room).get("id") for room in given] if isinstance(given, list | tuple) else []
    for place, name in enumerate(ids):
        if isinstance(name, str) and name in ids[:place]:
            yield ("room", place), f"room {name!r} stands twice"


def _server(decide: Mapping[str, Any]) -> Iterator[Fault]:
    server = _table(decide.get("server"))
    for name in ("url", "model"):
        if decide.get("backend") == "openai" and server.get(name) is None:
            yield ("server",), f'backend = "openai" needs {name}'
    if server.get("prompt") == "tokens" and server.get("tokenizer") is None:
        yield ("server",), 'prompt = "tokens" needs tokenizer, a GGUF with the vocabulary of the served model'


def _names(question: Mapping[str, Any], seen: Mapping[str, object]) -> Iterator[str]:
    name = question.get("id")
    if not isinstance(name, str):
        return
    if name in seen:
        yield f"question {name!r} stands twice"
    if name in RESERVED:
        yield f"no question may be called {name!r}: labelled files or label forms use that name for something else"


def _options(question: Mapping[str, Any]) -> Iterator[str]:
    ids = _ids(question)
    if not ids:
        return
    positive, abstain = question.get("positive"), question.get("abstain")
    if len(set(ids)) < len(ids):
        yield f"options have ids that repeat: {ids}"
    unknown = False
    for name, option in (("positive", positive), ("abstain", abstain)):
        if isinstance(option, str) and option not in ids:
            unknown = True
            yield f"{name} = {option!r} is not one of the options {ids}"
    if isinstance(positive, str) and positive == abstain:
        yield f"positive and abstain are both {positive!r}"
    elif not unknown and not set(ids) - {positive, abstain}:
        yield f"no option is left for the negative side: {ids} are all positive or abstaining"


def _order(question: Mapping[str, Any], seen: Mapping[str, list[str]]) -> Iterator[str]:
    name = question.get("id")
    for earlier, option in _table(question.get("after")).items():
        if earlier not in seen:
            yield f"question {name!r} comes after {earlier!r}, which must stand before it"
        elif isinstance(option, str) and option not in seen[earlier]:
            yield f"question {name!r} waits for {earlier} = {option!r}, no option of it"


def _ids(question: Mapping[str, Any]) -> list[str]:
    options = question.get("options")
    tables = [_table(option) for option in options] if isinstance(options, list | tuple) else []
    return [table["id"] for table in tables if isinstance(table.get("id"), str)]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
