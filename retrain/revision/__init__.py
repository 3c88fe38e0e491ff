"""Rounds of revision: another wording tried on the same labels, adopted or left, and remembered."""
