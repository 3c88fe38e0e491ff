"""``quandary bench selection``: does it pay to train on fewer labels, chosen, rather than on as many at random?

arms      what is compared                                              arms.py
sweep     a logistic head on frozen hidden states, thousands of fits    sweep.py
figures   set beside random and beside all labels, with intervals       figures.py
lora      the best and random with real LoRA runs                       lora.py
"""
