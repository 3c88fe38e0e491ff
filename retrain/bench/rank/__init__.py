"""Is what fine-tuning does low-rank? ``quandary bench lowrank``: the paper's open question."""
