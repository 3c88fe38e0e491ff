"""The demo: the whole loop on two stretches of a real chat."""
