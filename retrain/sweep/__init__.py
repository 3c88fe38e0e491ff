"""The paper's experiments as one file: which rungs, methods and rates are tried, and what comes of it."""
