"""The real Argilla server in one process: SQLite instead of Elasticsearch, a queue in memory instead of Redis.

Run it as ``python -m labeling.server --home DIR --port N``. Only this package imports argilla_server, and only after
``environment.prepare`` has set what argilla_server reads at import.
"""
