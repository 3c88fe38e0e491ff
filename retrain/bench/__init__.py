"""``quandary bench``, its part that needs the learning side: how good decisions are, and what bounds hold."""
