"""Checks of the gate that look at the candidate alone or beside the champion: slices, sureness, cost, obedience."""
