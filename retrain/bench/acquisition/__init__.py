"""``quandary bench acquisition``: how many labels a strategy needs, simulated on labelled sets.

sets      a labelled file as a pool to ask from and rows to judge on     sets.py, hidden.py
loop      ask, refit, judge, ask again                                   loop.py
figures   labels needed, compared with chance, with intervals            figures.py
lora      the same with real LoRA runs instead of a cheap head           lora.py
"""
