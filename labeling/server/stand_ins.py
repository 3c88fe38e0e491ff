"""Small modules in the place of parts of argilla_server that an embedded server never uses but always imports.

Its clients of Elasticsearch and OpenSearch, and its Hugging Face import and export with pandas and pyarrow, take a
third of the time to start and half of the memory. The Hub is out of reach here on purpose: what people wrote in a chat
leaves by ``quandary labels export`` only, and an erasure could not follow it to the Hub.
"""

from types import ModuleType
from typing import Any


class _HubRefused:
    """Stands for HubDataset and HubDatasetExporter: any use fails, which fails the job that wanted it."""

    def __init__(self, *_: object) -> None:
        raise RuntimeError("this embedded Argilla neither imports from nor exports to the Hugging Face Hub")


def stand_ins() -> dict[str, ModuleType]:
    """Make the modules by the names that argilla_server imports them under."""
    modules: dict[str, dict[str, Any]] = {
        "argilla_server.contexts.hub": {"HubDataset": _HubRefused, "HubDatasetExporter": _HubRefused},
        "argilla_server.search_engine.elasticsearch": {"ElasticSearchEngine": None},
        "argilla_server.search_engine.opensearch": {"OpenSearchEngine": None},
    }
    made = {name: ModuleType(name, "Put here by labeling.server.stand_ins.") for name in modules}
    for name, contents in modules.items():
        made[name].__dict__.update(contents)
    return made
