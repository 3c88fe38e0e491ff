"""The recipe of the starter family: small language models trained from scratch, for hosts that reach no model hub."""
