"""The labelling queue: people's answers, asked for and fetched through Argilla.

    outbox (pending requests) -> privacy -> argilla -> annotators -> argilla -> inlet (responses) -> agreement (labels)

``embedded`` runs the real Argilla server in a process of its own, ``server`` is what runs in there.
"""
