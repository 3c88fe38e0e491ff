"""The report of a sweep: our tables with the paper's beside, pictures, and what they say in plain words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from models.errors import ExportError
from models.ids import QuestionId
from models.replacement import replacing
from retrain.sweep.document import Beside, Block, Heading, Paragraph, Picture, markdown, page
from retrain.sweep.figures import Drawn, picture
from retrain.sweep.grids import answers, our_table, paper_table
from retrain.sweep.paper import Paper, paper
from retrain.sweep.plan import Experiment
from retrain.sweep.reading import read, shown
from retrain.sweep.run import Bench, Result
from retrain.sweep.setting import Run, Setting
from retrain.sweep.table import Points, by_place, lines, missing, points, with_gain

FILES = ("report.md", "report.html", "figures.json")


def write_report(
    bench: Bench, found: Mapping[Run, Result], failed: Mapping[Run, str], folder: Path, warning: str | None
) -> Path:
    """Write report.md with its pictures, report.html and figures.json; raises ExportError.

    Runs that are missing are named; experiments without any are left out. ``warning`` is about what the files share.
    """
    known = points(bench.rows, found.values(), weighted=bench.plan.weighted)
    blocks = [*_opening(bench, found, failed), *([Paragraph(text=warning)] if warning else [])]
    blocks += _plain_words(bench, known)
    for experiment in bench.plan.experiment:
        blocks += _experiment(bench, experiment, known, found)
    blocks += _closing()
    content = {
        "report.md": markdown(blocks).encode(),
        "report.html": page(bench.plan.title, blocks).encode(),
        "figures.json": json.dumps(_figures(bench, known), indent=1).encode(),
        **{block.file: block.content for block in blocks if isinstance(block, Picture)},
    }
    for name, body in content.items():
        _write(folder / name, body)
    return folder / "report.html"


def _write(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            aside.write_bytes(body)
    except OSError as error:
        raise ExportError(f"could not write {path}: {error}; the runs are kept, so ask again") from error


def _opening(bench: Bench, found: Mapping[Run, Result], failed: Mapping[Run, str]) -> list[Block]:
    plan, rows = bench.plan, bench.rows
    rooms = len({item.conversation for item in rows.test})
    left = [run for run in missing(plan, found) if run not in failed]
    counted = "Test rows count by their weights, training rows once." if plan.weighted else "Every row counts once."
    blocks: list[Block] = [
        Heading(level=1, text=plan.title),
        *([Paragraph(text=plan.about)] if plan.about else []),
        Paragraph(
            text=f"Trained on {len(rows.train):,} rows of {len({i.conversation for i in rows.train})} conversations, "
            f"judged by {len(rows.test):,} rows of {rooms} others; batches of {plan.batch}, dropout {plan.dropout:g}, "
            f"prompts of at most {bench.budget} tokens. {counted} Figures are percent; log p is the mean "
            "log-probability of the label in nats, at a temperature fitted on other conversations; it has no threshold."
        ),
        Paragraph(
            text="A figure is the mean over seeds. In brackets is its 95 % interval over seeds and conversations: "
            "2,000 draws with replacement of conversations, the same for all seeds, and of seeds, whose spread is "
            "widened for their small number. Gains are paired: the same conversations are drawn for both. Where "
            "there is one seed the interval is over conversations alone. The training rows are one sample: no interval "
            "says how another sample would do."
        ),
    ]
    if left:
        told = "; ".join([*(str(run) for run in left[:8]), *(["..."] if len(left) > 8 else [])])
        blocks.append(
            Paragraph(
                text=f"Not done yet: {len(left)} of {len(plan.runs())} runs ({told}). "
                "Where some seeds of a setting are missing, its figures come from the others."
            )
        )
    blocks += [Paragraph(text=f"Failed: {run}: {reason}.") for run, reason in failed.items()]
    return blocks


def _plain_words(bench: Bench, known: Mapping[QuestionId, Points]) -> list[Block]:
    plan = bench.plan
    blocks: list[Block] = [
        Heading(level=2, text="In plain words"),
        Paragraph(
            text="Yes and no are said by the intervals alone, which are widened where several are compared at once. "
            f"That nothing falls or matters means that all intervals stay within {100 * plan.margin:g} points, or "
            f"{plan.margin:g} nats; cannot tell, that they are wider than what they would have to show."
        ),
        Paragraph(
            text="What needs no model stands above each table: the F1 of always giving the positive answer, and the "
            "log p of the labels' own rates. What falls by the metric and rises by log p came nearer to those rates, "
            "at the least, and says yes too seldom or too often at one half: look at its threshold before its labels. "
            "Only where its log p is above that of the rates does it know more than they do."
        ),
    ]
    for question, found in known.items():
        blocks.append(answers(f"{question}: ours", read(list(found.values()), plan.metric, plan.margin)))
    if plan.metric == "f1":
        printed = [point for table in paper().points.values() for point in table]
        once = list({(p.rung, p.setting): p for p in printed}.values())
        blocks += [
            answers("The paper's, as printed", read(once, "f1", 0.0)),
            Paragraph(
                text="The paper prints no intervals, so its answers go by the values alone: what one run showed."
            ),
        ]
    return blocks


def _experiment(
    bench: Bench, experiment: Experiment, known: Mapping[QuestionId, Points], found: Mapping[Run, Result]
) -> list[Block]:
    plan = bench.plan
    ours = {question: lines(plan, experiment, those, plan.metric) for question, those in known.items()}
    ours = {question: told for question, told in ours.items() if told}
    if not ours:
        return []
    blocks: list[Block] = [Heading(level=2, text=f"{experiment.name}")]
    if experiment.about:
        blocks.append(Paragraph(text=experiment.about))
    grids = [our_table(question, told, plan.metric) for question, told in ours.items()]
    panels = [Drawn(title=question, points=[line.point for line in told]) for question, told in ours.items()]
    if experiment.paper is not None:
        printed = paper().points[experiment.paper]
        beside = by_place(printed)
        grids.append(paper_table([with_gain(point, beside, "f1") for point in printed]))
        panels.append(Drawn(title="the paper's: needs_context", points=printed))
    drawn = picture(panels, plan.metric, _losses(bench, experiment, found))
    about = f"{shown(plan.metric)} of the experiment {experiment.name}: {', '.join(panel.title for panel in panels)}"
    return [*blocks, Beside(grids=tuple(grids)), Picture(file=f"{experiment.name}.png", about=about, content=drawn)]


def _losses(bench: Bench, experiment: Experiment, found: Mapping[Run, Result]) -> dict[Setting, Sequence[float]]:
    """Losses of each setting's first seed, where the experiment has one rung."""
    rungs = bench.plan.rungs_of(experiment)
    if len(rungs) > 1:
        return {}
    losses: dict[Setting, Sequence[float]] = {}
    for setting in experiment.settings:
        for seed in bench.plan.seeds_of(experiment, setting):
            result = found.get(Run(rung=rungs[0], setting=setting, seed=seed))
            if result is not None and result.losses:
                losses.setdefault(setting, result.losses)
    return losses


def _closing() -> list[Block]:
    source: Paper = paper()
    return [
        Heading(level=2, text="The paper"),
        Paragraph(
            text=f"{source.author}, {source.title}, {source.year}, {source.url}. Its models are Qwen1.5-Chat, its "
            "question is whether a message needs the earlier chat, its labels are those of another chat in another "
            "language: the shapes of the curves can be compared, the heights cannot. Unless a row says otherwise it "
            "tuned with LoRA of rank 64, alpha 16, at 2e-4 for one epoch; LoRA+ at 5e-5 with a ratio of 16. The "
            "mixture-of-experts model is in its tables for reference and in no trend."
        ),
    ]


def _figures(bench: Bench, known: Mapping[QuestionId, Points]) -> dict[str, object]:
    plan = bench.plan
    return {
        "title": plan.title,
        "metric": plan.metric,
        "points": [
            {
                "question": question,
                "rung": point.rung,
                "parameters": point.parameters,
                "setting": asdict(point.setting),
                "seeds": list(point.counts.seeds) if point.counts else [],
                "labels": point.rows,
                "figures": {name: asdict(figure) for name, figure in point.figures.items()},
            }
            for question, found in known.items()
            for point in found.values()
        ],
        "answers": {
            question: [asdict(answer) for answer in read(list(found.values()), plan.metric, plan.margin)]
            for question, found in known.items()
        },
    }
