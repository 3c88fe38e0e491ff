"""The bot: listens, decides, acts or asks, and takes a new model in when a maintainer has approved it."""
