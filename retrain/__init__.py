"""Learning: freeze labels, train a ladder of LoRA adapters, export, calibrate, and gate the result.

Runs in a process of its own (``python -m retrain``), started by the bot or by hand; it meets the bot in the store only.
"""
