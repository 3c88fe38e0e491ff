"""How long to wait after failures that may pass."""

import random


class Backoff:
    """Waits that double from ``base_s`` to ``max_s``; half of each is drawn at random, so that clients spread."""

    def __init__(self, rng: random.Random | None = None, *, base_s: float = 1.0, max_s: float = 60.0) -> None:
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._base_s = base_s
        self._max_s = max_s
        self._failures = 0

    def failed(self, at_least_s: float = 0.0) -> float:
        """Count a failure; returns seconds to wait, at least what the server asked for."""
        doubled = self._base_s * 2.0 ** min(self._failures, 32)
        self._failures += 1
        return max(at_least_s, min(self._max_s, doubled) * self._rng.uniform(0.5, 1.0))

    def worked(self) -> None:
        """Begin anew."""
        self._failures = 0
