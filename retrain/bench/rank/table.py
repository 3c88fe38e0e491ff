"""A study as JSON, and as tables on a terminal."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from models.ids import QuestionId
from retrain.bench.rank.answer import kept, learned, summary
from retrain.bench.rank.reading import Reading, Readings, lead
from retrain.bench.rank.study import Found
from retrain.spectrum import mean_share, share

Figure = Callable[[Reading], float]
FIGURES: Mapping[str, Figure] = {"log_p": lambda one: one.log_p, "macro_f1": lambda one: one.macro_f1}
"""What is told of a model and a question: mean log-probability of the label (nats), and macro-F1."""


def body(found: Sequence[Found]) -> dict[str, object]:
    """One rung with its seeds, as JSON."""
    first = found[0]
    spectra = [s for one in found for s in one.spectra]
    ranks, on = sorted(first.cut), learned(found)
    return {
        "rung": first.rung,
        "summary": summary(found),
        "seeds": len(found),
        "learned": list(on),
        "training_loss": {"full": [one.loss for one in found], "lora": [dict(one.lora_loss) for one in found]},
        "questions": {question: _question(found, question) for question in first.full},
        "kept_by_cut": kept([one.cut for one in found], found, on) if on else None,
        "kept_by_lora": kept([one.lora for one in found], found, on) if on else None,
        "share_plain": {r: mean_share(spectra, r, felt=False) for r in ranks},
        "share_felt": {r: mean_share(spectra, r, felt=True) for r in ranks},
        "layers": [
            {
                "layer": s.layer,
                "outputs": s.outputs,
                "inputs": s.inputs,
                "singular_values": np.round(s.plain, 5).tolist(),
                "share_plain": {r: round(share(s.plain, r), 4) for r in ranks},
                "share_felt": {r: round(share(s.felt, r), 4) for r in ranks},
            }
            for s in first.spectra
        ],
    }


def show(found: Sequence[Found]) -> None:
    """Print a rung's table, the energy by kind of matrix, and the answer."""
    first = found[0]
    ranks = sorted(first.cut)
    spectra = [s for one in found for s in one.spectra]
    table = Table(title=f"{first.rung}: {len(found)} seeds; log-probabilities of the label in nats")
    for column in ("rank", *map(str, ranks), "all weights", "vanilla", "rates alone"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, felt in (("energy of the weights' change", False), ("... as outputs feel it", True)):
        table.add_row(name, *(f"{mean_share(spectra, r, felt=felt):.0%}" for r in ranks), "100%", "", "")
    for question in first.full:
        for name, figure in FIGURES.items():
            cut = [_told(figure, question, [one.cut[r] for one in found]) for r in ranks]
            alone = [_told(figure, question, [theirs(one) for one in found]) for theirs in (_full, _vanilla, _rates)]
            table.add_row(f"{question}, {name}, change cut", *cut, *alone)
            lora = [_told(figure, question, [one.lora[r] for one in found if r in one.lora]) for r in ranks]
            table.add_row(f"{question}, {name}, LoRA", *lora, "", "", "")
    console = Console()
    console.print(table)
    for kind in dict.fromkeys(s.kind for s in spectra):
        mine = [s for s in spectra if s.kind == kind]
        told = ", ".join(f"{r}: {mean_share(mine, r, felt=False):.0%}" for r in ranks)
        console.print(f"  {kind}: energy within rank {told}", highlight=False)
    for question in first.full:
        for name, theirs in (("vanilla", _vanilla), ("the labels' rates", _rates)):
            full, other = [one.full[question] for one in found], [theirs(one)[question] for one in found]
            gap, (low, high) = lead(full, other, np.random.default_rng(0))
            told = f"{gap:+.3f} nats over {name} [{low:+.3f}, {high:+.3f}]"
            console.print(f"  {question}, all weights trained: {told}", highlight=False, markup=False)
    console.print(summary(found), highlight=False, markup=False)


def _question(found: Sequence[Found], question: QuestionId) -> dict[str, object]:
    rng = np.random.default_rng(0)
    full = [one.full[question] for one in found]
    return {
        "rates": _one(question, found[0].rates),
        "vanilla": _one(question, found[0].vanilla),
        "full": [_one(question, one.full) for one in found],
        "full_over_vanilla": lead(full, [one.vanilla[question] for one in found], rng),
        "full_over_rates": lead(full, [one.rates[question] for one in found], rng),
        "cut": {r: [_one(question, one.cut[r]) for one in found] for r in sorted(found[0].cut)},
        "lora": {r: [_one(question, one.lora[r]) for one in found] for r in sorted(found[0].lora)},
    }


def _one(question: QuestionId, readings: Readings) -> dict[str, float]:
    return {name: round(figure(readings[question]), 4) for name, figure in FIGURES.items()}


def _told(figure: Figure, question: QuestionId, readings: Sequence[Readings]) -> str:
    return f"{np.mean([figure(one[question]) for one in readings]):.3f}" if readings else ""


def _full(one: Found) -> Readings:
    return one.full


def _vanilla(one: Found) -> Readings:
    return one.vanilla


def _rates(one: Found) -> Readings:
    return one.rates
