"""The study as a picture: spectra of layers, energy within a rank, and what a rank is worth on held-out rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from retrain.bench.rank.answer import learned
from retrain.bench.rank.reading import Readings, mean_log_p
from retrain.bench.rank.study import Found
from retrain.picture import save_figure
from retrain.spectrum import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#2166ac", "#1b7837", "#a6611a", "#762a83")
KINDS = {
    "q_proj": "#2166ac",
    "k_proj": "#67a9cf",
    "v_proj": "#1b7837",
    "o_proj": "#7fbf7b",
    "gate_proj": "#a6611a",
    "up_proj": "#dfc27d",
    "down_proj": "#b2182b",
}


def draw_study(found: Sequence[Found], path: Path) -> Path:
    """Draw three panels into a PNG; raises ExportError."""
    figure = Figure(figsize=(15, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    rungs = list(dict.fromkeys(one.rung for one in found))
    last = next(one for one in found if one.rung == rungs[-1])
    for spectrum in last.spectra:
        values = spectrum.plain / max(float(spectrum.plain[0]), 1e-30)
        left.semilogy(np.arange(1, len(values) + 1), values, color=KINDS.get(spectrum.kind, "#8a8a8a"), linewidth=0.8)
    for kind, colour in KINDS.items():
        left.plot([], [], color=colour, label=kind)
    left.set_ylim(1e-3, 1.2)
    left.set_title(f"{rungs[-1]}: singular values of the change, by layer", loc="left", fontsize=10)
    left.set_xlabel("number of the singular value")
    left.set_ylabel("relative to the largest")
    left.legend(fontsize=7)
    for rung, colour in zip(rungs, COLOURS, strict=False):
        mine = [one for one in found if one.rung == rung]
        spectra = [s for one in mine for s in one.spectra]
        ranks = range(1, min(len(s.plain) for s in spectra) + 1)
        for felt, style in ((False, "--"), (True, "-")):
            line = [np.mean([share(s.felt if felt else s.plain, r) for s in spectra]) for r in ranks]
            middle.plot(ranks, line, style, color=colour, label=rung if felt else None)
        _scores(right, mine, colour, rung)
    middle.set_title("energy within a rank, mean over layers", loc="left", fontsize=10)
    middle.set_xlabel("rank (line: as the outputs feel it; dashed: of the weights)")
    middle.set_ylabel("share of energy")
    middle.grid(visible=True, alpha=0.25)
    middle.legend(fontsize=8)
    ranks_cut = sorted({rank for one in found for rank in one.cut})
    right.set_xscale("log", base=2)
    right.set_xticks(ranks_cut, [str(rank) for rank in ranks_cut])
    right.set_title("log-probability of the label on held-out rooms", loc="left", fontsize=10)
    right.set_xlabel(
        "rank (line: change cut; squares: LoRA)\n"
        "dashed: all weights; dotted: vanilla\n"
        "dash-dotted: the labels' rates"  # in lines shorter than the panel: a label wider than it is clipped
    )
    right.set_ylabel("nats, mean over the questions that were learned")
    right.grid(visible=True, alpha=0.25)
    right.legend(fontsize=8)
    return save_figure(figure, path)


def _scores(axes: "Axes", mine: Sequence[Found], colour: str, rung: str) -> None:
    on = learned(mine) or tuple(mine[0].full)

    def level(readings: Sequence[Readings]) -> float:
        return float(np.mean([mean_log_p(one, on) for one in readings]))

    cuts, loras = sorted(mine[0].cut), sorted(mine[0].lora)
    label = f"{rung}: {', '.join(on)}" if learned(mine) else f"{rung}: nothing was learned"
    line = [level([one.cut[r] for one in mine]) for r in cuts]
    axes.plot(cuts, line, "-o", color=colour, markersize=3, label=label)
    axes.plot(loras, [level([one.lora[r] for one in mine]) for r in loras], "s", color=colour, markersize=5)
    ends = [min(cuts), max(cuts)]
    axes.plot(ends, [level([one.full for one in mine])] * 2, "--", color=colour, linewidth=1)
    axes.plot(ends, [level([one.vanilla for one in mine])] * 2, ":", color=colour, linewidth=1)
    axes.plot(ends, [level([one.rates for one in mine])] * 2, "-.", color=colour, linewidth=1)
