"""Identifiers, each a type of its own so that no two kinds are mixed up."""

from typing import NewType

EventId = NewType("EventId", str)
"""One chat event, unique over all platforms: ``platform:room:id``."""
RoomId = NewType("RoomId", str)
"""One room (group, channel) of one platform."""
MemberId = NewType("MemberId", str)
"""One member of a platform; never shown to annotators or models."""
BurstId = NewType("BurstId", str)
"""One burst: derived from the room, the thread and its first message."""
QuestionId = NewType("QuestionId", str)
"""A question's name in config.toml, such as ``is_question``."""
OptionId = NewType("OptionId", str)
"""An option's stable name within its question, such as ``yes``."""
RequestId = NewType("RequestId", str)
"""One request for labels: derived from burst and question versions, so that asking twice is the same request."""
DatasetId = NewType("DatasetId", str)
"""A frozen dataset: the hash of its items."""
ErasureId = NewType("ErasureId", str)
"""One erasure of a member's messages, or of one message."""
RunId = NewType("RunId", str)
"""One training run."""
CandidateId = NewType("CandidateId", str)
"""One model that might be promoted."""
Revision = NewType("Revision", str)
"""The first 12 hex digits of a model file's SHA-256."""
