"""Joining messages to bursts without any cleverness, for comparison."""


class NaiveAssembler:
    """The rule as DESIGN words it, looking at every open burst each time."""

    def __init__(self, limits):
        self.limits, self.open, self.opened = limits, {}, 0

    def push(self, event):
        key, closed = (event.room, event.thread, event.sender), []
        if key in self.open and not self.joins(self.open[key][1], event):
            closed.append(self.open.pop(key)[1])
        if key not in self.open:
            self.open[key], self.opened = (self.opened, []), self.opened + 1
        events = self.open[key][1]
        events.append(event)
        if len(events) >= self.limits.max_messages or self.chars(events) >= self.limits.max_chars:
            closed.append(self.open.pop(key)[1])
        return closed

    def advance(self, now, room=None):
        over = [k for k, (_, e) in self.open.items() if room in (None, k[0]) and not self.in_time(e, now)]
        return [events for _, events in sorted(self.open.pop(key) for key in over)]

    def flush(self):
        closed, self.open = [events for _, events in self.open.values()], {}
        return closed

    def joins(self, events, event):
        return self.in_time(events, event.sent_at) and self.chars(events) + 1 + len(event.text) <= self.limits.max_chars

    def chars(self, events):
        return len("\n".join(event.text for event in events))

    def in_time(self, events, at):
        gap_s = (at - max(event.sent_at for event in events)).total_seconds()
        age_s = (at - events[0].sent_at).total_seconds()
        return gap_s <= self.limits.gap_s and age_s <= self.limits.max_age_s
