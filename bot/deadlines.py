"""Which of many things are over: a heap of deadlines, each of which may be put off while it runs. Pure."""

import heapq
from datetime import datetime

SLACK = 64
"""Outdated entries that are kept at any rate, beside as many as there are deadlines."""


class Deadlines:
    """Deadlines of things known by number.

    Putting one off costs nothing until its old time has come; asking for what is over costs what is over, not what
    runs. Memory is bounded by twice the running ones.
    """

    def __init__(self) -> None:
        self._due: dict[int, datetime] = {}
        self._heap: list[tuple[datetime, int]] = []  # each running number once or oftener, never later than it is due

    def __len__(self) -> int:
        return len(self._due)

    def put(self, number: int, due: datetime) -> None:
        """Set a new deadline or put one off; raises ValueError for one that is moved forward."""
        before = self._due.get(number)
        if before is None:
            heapq.heappush(self._heap, (due, number))
        elif due < before:
            raise ValueError(f"the deadline of {number} cannot be moved forward from {before} to {due}")
        self._due[number] = due

    def drop(self, number: int) -> None:
        """Forget a deadline, if it is there."""
        self._due.pop(number, None)
        if len(self._heap) > 2 * len(self._due) + SLACK:
            self._heap = [(due, number) for number, due in self._due.items()]
            heapq.heapify(self._heap)

    def over(self, now: datetime) -> list[int]:
        """Take out those whose deadline has passed (is before ``now``), in the order of their numbers."""
        heap, passed = self._heap, []
        while heap and heap[0][0] < now:
            _, number = heapq.heappop(heap)
            due = self._due.get(number)
            if due is None:
                continue  # dropped
            if due < now:
                del self._due[number]
                passed.append(number)
            else:
                heapq.heappush(heap, (due, number))
        passed.sort()
        return passed
