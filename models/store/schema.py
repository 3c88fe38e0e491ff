"""The tables, as migrations that are applied in order and never changed once released; the first are in ``tables``."""

from sqlite_utils import Database

from models.store.tables import migrations as migrations  # noqa: PLC0414 - all are applied from here


@migrations()
def speaking_to_the_bot(db: Database) -> None:
    """Whether a message speaks to the bot."""
    db.table("events").add_column("mentions_bot", int, not_null_default=0)


@migrations()
def many_rooms(db: Database) -> None:
    """When a burst was closed; and indexes of what waits, so that a long history costs a busy chat nothing."""
    db.table("bursts").add_column("closed_at", float)
    db.execute("DROP INDEX IF EXISTS idx_events_handled")
    db.execute("CREATE INDEX events_unhandled ON events (seq) WHERE handled = 0")
    db.execute("CREATE INDEX bursts_undecided ON bursts (ended_at, id) WHERE state = 'closed'")
    db.execute("CREATE INDEX requests_deliberate ON requests (created_at) WHERE blind = 0")
    db.execute("CREATE INDEX routes_act ON routes (routed_at) WHERE route = 'act'")


@migrations()
def consent(db: Database) -> None:
    """Who opted out, what rooms were told, under which mode bursts were routed, and what was erased."""
    db.table("opt_outs").create(
        {"seq": int, "member": str, "room": str, "out": int, "at": float},
        pk="seq",
        not_null={"member", "room", "out", "at"},
    )
    db.table("opt_outs").create_index(["member", "room"])
    db.table("introductions").create({"room": str, "mode": str, "state": str, "at": float}, pk="room")
    db.table("routes").add_column("mode", str)
    db.table("bursts").create_index(["room", "started_at"])
    db.execute("CREATE INDEX events_target ON events (target) WHERE target IS NOT NULL")
    db.execute("CREATE INDEX events_reply_to ON events (reply_to) WHERE reply_to IS NOT NULL")
    db.table("erasures").create(
        {
            "seq": int,
            "id": str,
            "kind": str,
            "member_hash": str,
            "room": str,
            "state": str,
            "at": float,
            "done_at": float,
        },
        pk="seq",
        not_null={"id", "kind", "state", "at"},
    )
    db.table("erasures").create_index(["id"], unique=True)
    db.table("erasures").create_index(["state"])
    db.table("erasure_traces").create(
        {"erasure": str, "kind": str, "name": str, "state": str, "detail": str},
        pk=("erasure", "kind", "name"),
        not_null={"state"},
    )
    db.table("erasure_traces").create_index(["kind", "name"])
    db.table("erasure_traces").create_index(["kind", "state"])


@migrations()
def manners(db: Database) -> None:
    """The ids of replies, feedback about them, and rooms that are paused."""
    db.table("replies").add_column("said", str)
    db.table("replies").create_index(["said"])
    db.table("replies").create_index(["replied_at"])
    db.table("feedback").create(
        {"event": str, "burst": str, "said": str, "room": str, "member": str, "kind": str, "key": str, "at": float},
        pk="event",
        not_null={"burst", "room", "member", "kind", "key", "at"},
    )
    db.table("feedback").create_index(["burst"])
    db.table("pauses").create({"room": str, "until": float, "by": str, "at": float}, pk="room")


@migrations()
def second_records(db: Database) -> None:
    """Why people are asked, how many of them, and second records about one burst."""
    db.table("requests").add_column("purpose", str, not_null_default="ask")
    db.table("requests").add_column("round", int, not_null_default=0)
    db.table("requests").add_column("overlap", int, not_null_default=1)
    db.table("requests").create_index(["burst"])


@migrations()
def outbox(db: Database) -> None:
    """Which withdrawn requests Argilla is rid of, how often it refused one, and quick ways to what waits."""
    db.table("requests").add_column("cleared", int, not_null_default=0)
    db.table("requests").add_column("refusals", int, not_null_default=0)
    db.execute("CREATE INDEX requests_to_clear ON requests (id) WHERE state = 'withdrawn' AND cleared = 0")


@migrations()
def pool(db: Database) -> None:
    """Which bursts are worth asking about, and indexes to find them and what was asked about lately."""
    db.table("routes").add_column("unsure", int, not_null_default=0)
    db.execute("CREATE INDEX routes_unsure ON routes (routed_at) WHERE unsure = 1")
    db.table("requests").create_index(["created_at"])


@migrations()
def suspects(db: Database) -> None:
    """Every label's suspicion as the last learning found it, and the second looks that were sent."""
    columns = {
        "burst": str,
        "question": str,
        "question_version": str,
        "given": str,
        "suspected": str,
        "suspicion": float,
        "reasons": str,
    }
    db.table("suspects").create(
        {**columns, "dataset": str, "found_at": float}, pk=("burst", "question"), not_null=set(columns)
    )
    db.table("suspects").create_index(["suspicion"])
    db.table("reviews").create(
        {"request": str, **columns, "control": int, "sent_at": float}, pk="request", not_null={*columns, "control"}
    )
    db.table("reviews").create_index(["burst"])


@migrations()
def label_origins(db: Database) -> None:
    """Whose answers a label rests on, which wording and guidelines they had, and where it was imported from."""
    db.table("responses").add_column("versions", str)
    db.table("responses").add_column("guideline", str)
    db.table("labels").add_column("annotators", str, not_null_default="[]")
    db.table("labels").add_column("guideline", str)
    db.table("labels").add_column("source", str)
    db.execute("CREATE INDEX labels_by_question ON labels (question, question_version)")


@migrations()
def selections(db: Database) -> None:
    """How the labels of a dataset were chosen to train on, and every label's scores."""
    run = {"method": str, "share": float, "balance": str, "drop_near_duplicates": int, "rung": str, "notes": str}
    db.table("selections").create(
        {"dataset": str, **run, "picture": str, "chosen_at": float}, pk="dataset", not_null={*run, "chosen_at"}
    )
    label = {"burst": str, "question": str, "question_version": str, "given": str}
    figures = dict.fromkeys(("base_loss", "reference_loss", "learnability", "ifd", "margin"), float)
    db.table("selection_scores").create(
        {"dataset": str, **label, **figures, "why": str},
        pk=("dataset", "burst", "question"),
        not_null={*label, *figures, "why"},
    )
    db.table("selection_scores").create_index(["burst"])


@migrations()
def label_licences(db: Database) -> None:
    """Under which licence the texts and labels of an imported file are."""
    db.table("sources").create({"source": str, "licence": str}, pk="source", not_null={"licence"})


@migrations()
def revisions(db: Database) -> None:
    """What the gate proposes next, rounds of revision, the words of every queue, and whose late answers count."""
    step = {"move": str, "count": int, "reason": str}
    db.table("steps").create(
        {"candidate": str, "question": str, **step, "proposed_at": float}, pk="candidate", not_null=set(step)
    )
    words = {"old": str, "new": str, "old_version": str, "new_version": str}
    db.table("revisions").create(
        {
            "seq": int,
            "question": str,
            "round": int,
            **words,
            "back": int,
            "by": str,
            "why": str,
            "at": float,
            "labels": int,
            "tried": str,
            "before": str,
            "after": str,
            "after_candidate": str,
        },
        pk="seq",
        not_null={"question", "round", *words, "back", "by", "why", "at", "labels"},
    )
    db.table("revisions").create_index(["question", "new_version"])
    db.table("queues").create(
        {"joint": str, "questions": str, "guideline": str, "opened_at": float}, pk="joint", not_null={"questions"}
    )
    db.table("requests").add_column("reworded", int, not_null_default=0)
    db.execute("CREATE INDEX requests_reworded ON requests (id) WHERE reworded = 1")


@migrations()
def verdict_terms(db: Database) -> None:
    """Under which settings, with which seed and on which evidence a verdict was reached; NULL in older ones."""
    db.table("verdicts").add_column("terms", str)
