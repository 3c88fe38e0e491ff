"""What decides, and what it may use."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from models.settings.table import Count, Seconds, Share, Table

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _private(url: str) -> str:
    """Accept an address only where nobody on the way can read the chat."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("this is no http or https address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a password does not belong in an address; name an environment variable in api_key_env")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("http would carry the chat unencrypted to another host; use https, or a tunnel to loopback")
    return url


class ServerSettings(Table):
    """A server that speaks OpenAI's protocol with log-probabilities; used where ``decide.backend = "openai"``.

    ``prompt`` is the form in which prompts are sent: text (completions), tokens (completions, with the vocabulary of
    the GGUF ``tokenizer``) or chat (chat completions). After ``open_after`` failed batches in a row the local model
    decides for ``rest_s`` seconds, twice as long after each trial that fails.
    """

    url: Annotated[str, AfterValidator(_private)] | None = None
    model: Annotated[str, Field(min_length=1)] | None = None
    api_key_env: str | None = None
    prompt: Literal["text", "tokens", "chat"] = "text"
    tokenizer: str | None = None
    top_logprobs: Annotated[int, Field(ge=2, le=300_000)] = 20
    timeout_s: Seconds = 10.0
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    concurrency: Count = 4
    open_after: Count = 3
    rest_s: Seconds = 30.0


class DecideSettings(Table):
    """Which model decides, and what it may use.

    ``cascade`` names a smaller model that settles what it is sure of; ``cascade_at`` is the probability from which it
    is, by default what was fitted for the two models; ``cascade_max_prompt_tokens`` gives it shorter prompts than the
    champion's. There is no cascade while the host has less memory available than ``cascade_min_memory_mb``.
    """

    backend: Literal["llama", "openai"] = "llama"
    model: str = "starter"
    threads: Count = 2
    max_prompt_tokens: Annotated[int, Field(ge=160, le=8192)] = 420
    cascade: str | None = None
    cascade_at: Annotated[Share, Field(gt=0.5)] | None = None
    cascade_max_prompt_tokens: Annotated[int, Field(ge=160, le=8192)] | None = None
    cascade_min_memory_mb: Annotated[int, Field(ge=0)] = 256
    server: ServerSettings = ServerSettings()

    @property
    def of_small(self) -> "DecideSettings":
        """What the cascade's small model decides with."""
        tokens = self.cascade_max_prompt_tokens or self.max_prompt_tokens
        return self.model_copy(update={"max_prompt_tokens": min(tokens, self.max_prompt_tokens)})
