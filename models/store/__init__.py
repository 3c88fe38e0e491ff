"""The one database: verbs upward, SQL only here.

Every verb is a plain function whose first argument is the open database. Synchronous callers (retrain, the command
line) call it directly; the bot sends it to its one writer thread: ``await store.do(inbox.append, events)``.
"""
