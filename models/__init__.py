"""The ground floor: both kinds of models.

The *records* that flow through Quandary (messages, bursts, questions, decisions, labels, verdicts) with their settings
and store, and the *language models* that decide. Everything above (labeling, retrain, bot) imports from here; nothing
here imports from above, and nothing here needs torch.
"""
