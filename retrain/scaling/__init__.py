"""Scaling consistency: do labels agree better with larger models? Statistics, the files they are read from, words."""
