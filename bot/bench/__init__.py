"""Measurements for ``quandary bench``, one a file; nothing else imports them."""
