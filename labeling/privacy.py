"""Masking, under the name by which labeling knows it; ``models.privacy`` does it, for datasets too."""

from models.privacy import mask, room_alias

__all__ = ["mask", "room_alias"]
