"""Our training step beside TRL's: ``quandary bench train``."""
