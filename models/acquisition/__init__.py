"""What to ask people about: pure strategies over a pool of bursts; clock and chance come from outside.

pool      bursts that may be asked about, as arrays           pool.py
ngrams    texts as vectors; near-duplicates                   ngrams.py
scores    how unsure the machine is                           scores.py
strategy  which of the pool to ask about                      strategies.py, choice.py
pace      how many, at this time of the day                   pace.py
settled   whether recent labels still change decisions        settled.py
"""
