"""Which labels to train on: scored by what an untuned and a tuned model make of them, ranked, thinned, balanced.

losses      what the models say about the labels of one question        losses.py, fitted.py, ladder.py
scores      learnability and IFD                                         scores.py
methods     rankings behind one Protocol, in a table                     methods.py
filters     near-duplicates, class balance                               duplicates.py, quotas.py
choice      all of it: which labels stay, and why the others do not      choice.py
cycle       within the nightly flow: scores in the store, a picture      stage.py, picture.py
"""
