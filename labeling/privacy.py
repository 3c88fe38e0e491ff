"""Masking, under the name by which labeling knows it; ``models.privacy`` does it, for datasets too."""

from models.privacy import mask as mask
from models.privacy import room_alias as room_alias
