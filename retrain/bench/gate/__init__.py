"""How often the gate errs, on made-up ladders and on real ones with wrong labels put in."""
