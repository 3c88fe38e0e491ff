"""Python's cycle collector, told to look less often.

A busy chat makes thousands of records a second, none of which refers to itself. By default the collector looks through
the youngest after every 700 and through everything now and then, which took a third of the pipeline's time
(`quandary bench ingest`); what is in cycles is still found, later.
"""

import gc

THRESHOLDS = (50_000, 20, 50)
"""New objects before the youngest are looked through, and how often the older ones are beside them."""


def look_less_often() -> None:
    """Leave what start-up made alone for good, and look through the rest after every 50,000 new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
