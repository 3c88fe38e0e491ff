"""The gate's checks on a ladder: does it rise, are labels wrong, do they side with the small model? Pure.

A trend over sizes catches labels that lean to what small models say, and is blind to labels that are wrong at random;
the item-level checks catch those. docs/gate.md says what each catches and misses, with rates (``quandary bench gate``).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.evidence import Check, Outcome
from models.metrics import macro_f1
from models.resample import draws
from models.settings import GateSettings
from retrain.judged import Judged, scored
from retrain.scaling.gold import gold_blocks
from retrain.scaling.label_checks import bias_check, noise_check
from retrain.scaling.label_noise import sides
from retrain.scaling.ladder import Ladder
from retrain.scaling.learned import learned
from retrain.scaling.plenty import PLENTY, PLENTY_CONVERSATIONS, plenty
from retrain.scaling.saturated import top_of
from retrain.scaling.setback import Setback
from retrain.scaling.slopes import GOLD, Slope, rank_effect, slopes
from retrain.trend import GUESS, Trend, beats_baseline, better_smaller, majority, page_trend, told_p

DRAWS = 1000
UNLEARNED = "unlearned"
"""The figure that marks a tuned ladder whose largest rung learned nothing sure from labels enough."""
TRAIN_FIRST = ": train longer, or a larger rung, before the labels are blamed"
SHOWN = {"precision": "precision", "F1": "f1", GOLD: "gold"}


def ladder_checks(whole: Ladder, gate: GateSettings, rng: np.random.Generator) -> list[Check]:
    """All checks of one question's ladder; those of readings that were not made are left out."""
    ladder = whole.without_reference()
    vanilla = vanilla_check(ladder, gate, rng) if ladder.vanilla else None
    checks = []
    if ladder.tuned:
        ladder = ladder.trained()
        found = sides(ladder.tuned)
        times = draws(found.conversations if found else 1, DRAWS, rng)
        tuned = _with_setbacks(tuned_check(ladder, gate, rng), ladder)
        vanilla = vanilla and yielding(vanilla, tuned)
        able = beats_baseline(ladder.tuned[-1], gate.alpha, rng)
        checks += [
            tuned,
            noise_check(ladder, found, gate, times, able=able),
            bias_check(ladder, found, gate, times, able=able),
        ]
    return checks if vanilla is None else [vanilla, *checks]


def _with_setbacks(check: Check, ladder: Ladder) -> Check:
    """The tuned check, with what is to be known about rungs that tuning made worse before it is read."""
    if not ladder.setbacks:
        return check
    figures = {f"setback {s.rung}, {name}": value for s in ladder.setbacks for name, value in _tries(s)}
    told = "; ".join(s.told for s in ladder.setbacks)
    return replace(check, reason=f"{check.reason}. {told}", figures={**check.figures, **figures})


def _tries(setback: Setback) -> list[tuple[str, float]]:
    again = [] if setback.again is None else [("again", setback.again)]
    return [("vanilla", setback.vanilla), ("tuned", setback.tuned), *again]


def vanilla_check(ladder: Ladder, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Do vanilla rungs agree better with the labels as they grow? Uninformative where no rung knows anything.

    Uninformative is neither for nor against the candidate: it passes here because the tuned ladder is checked too.
    """
    name = f"ladder {ladder.question.id}, vanilla"
    top, smaller = ladder.vanilla[-1], ladder.vanilla[:-1]
    # Labels that small rungs agree with and the largest does not are the very fault to be found here. The level is
    # shared out, for one of several ignorant rungs will look good more often than one.
    if not beats_baseline(top, gate.alpha, rng) and not any(
        beats_baseline(rows, gate.alpha / len(smaller), rng) for rows in smaller
    ):
        columns = scored(top)
        figures = {"macro_f1": macro_f1(columns), "majority": majority(columns)}
        reason = (
            "uninformative, neither for nor against: vanilla, no rung surely beats the majority baseline and guessing "
            f"({ladder.rungs[-1]}: macro-F1 {figures['macro_f1']:.2f} against {figures['majority']:.2f} and {GUESS}); "
            "the tuned ladder decides"
        )
        return Check(name=name, outcome=Outcome.PASS, reason=reason, figures=figures)
    return _trend_check(name, ladder, ladder.vanilla, gate, rng, trained=False)


def tuned_check(ladder: Ladder, gate: GateSettings, rng: np.random.Generator) -> Check:
    """Do cross-fitted rungs agree better with the labels as they grow, where the largest surely learned from them?

    Where it did not, no order of the rungs speaks for or against the labels: that stays open.
    """
    name = f"ladder {ladder.question.id}, tuned"
    top = ladder.tuned[-1]
    check = _trend_check(name, ladder, ladder.tuned, gate, rng, trained=True)
    known = learned(top, gate.alpha, rng)
    if known.sure or (check.outcome is not Outcome.FAIL and known.answers):
        return check
    columns = scored(top)
    figures = {**check.figures, "macro_f1": macro_f1(columns), "majority": majority(columns)}
    figures |= {"learned": known.gain, "learned_low": known.low}
    enough = plenty(top)
    if enough:
        figures[UNLEARNED] = 1.0
    reason = (
        f"tuned, {ladder.rungs[-1]} did not surely learn from {len(top)} labels (macro-F1 {figures['macro_f1']:.2f}, "
        f"the majority's {figures['majority']:.2f} and a guess's {GUESS}; {known.gain:+.3f} nats a label beyond "
        f"their own rates, at least {known.low:+.3f})"
    )
    reason += f", so that the rungs' order tells nothing{TRAIN_FIRST if enough else ''}; {check.reason}"
    return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, figures=figures)


def yielding(vanilla: Check, tuned: Check) -> Check:
    """Let the tuned ladder decide where vanilla rungs neither rise nor fall surely, and tuned ones surely rise.

    Rungs that were never asked such a question differ in much besides what they know; after the same tuning they are
    ranked far more alike. A vanilla ladder that falls, by ranks or by nats a doubling, or whose top falls off, still
    speaks against the labels: what the smallest rung wrote, all rungs learn.
    """
    told, alpha = vanilla.figures, vanilla.figures.get("alpha", 0.0)
    falls = told.get("p_fall", 0.0) < alpha or told.get("gold_high", 0.0) < 0 or "better_smaller" in told
    undecided = told.get("p", 0.0) >= alpha and not falls
    if vanilla.outcome is Outcome.PASS or not undecided or tuned.figures.get("p", 1.0) >= alpha:
        return vanilla
    reason = f"neither for nor against: {vanilla.reason}; tuned, the rungs surely rise, and that decides"
    return replace(vanilla, outcome=Outcome.PASS, reason=reason)


def _trend_check(
    name: str, ladder: Ladder, rungs: Sequence[Judged], gate: GateSettings, rng: np.random.Generator, *, trained: bool
) -> Check:
    """``trained``: a largest rung that is only less sure may be flat; untrained, that may be the labels' lean."""
    labels = len(rungs[0])
    gold = gold_blocks(rungs)
    means = gold.means
    trend = page_trend(rungs, gate.alpha, means)
    if trend is None:
        reason = (
            f"no trend can be tested with {len(rungs)} rung(s) and {labels} labels of {len(means)} conversation(s): "
        )
        reason += "three rungs and three conversations"
        return Check(name=name, outcome=Outcome.INCONCLUSIVE, reason=f"{reason} are needed", figures={"labels": labels})
    figures = {"p": trend.p_rise, "p_fall": trend.p_fall, "labels": trend.items, "conversations": trend.blocks}
    figures |= {"strict_rise": float(trend.strict_rise), "alpha": gate.alpha, "missing": float(trend.missing or 0)}
    times = draws(len(means), DRAWS, rng)
    effect, (figures["effect_low"], figures["effect_high"]) = rank_effect(means, times)
    figures["effect"] = effect
    found = slopes(rungs, ladder.parameters, gold, times)
    for figure, slope in found.items():
        if figure in SHOWN:
            figures |= _shown(SHOWN[figure], slope)
    told = (
        f"over {trend.blocks} conversations with {trend.items} labels (Page's test, {told_p(trend.p_rise)}; mean rank "
        f"correlation with size {effect:+.2f}, {figures['effect_low']:+.2f} to {figures['effect_high']:+.2f}"
        f"{_gain(found)}; the paper's rule: precision {'rises' if trend.strict_rise else 'does not rise'} at each step)"
    )
    outcome, reason = _trend_outcome(trend, told, gate, plenty=plenty(rungs[0]))
    better = better_smaller(means, gate.alpha)
    if better is not None:
        figures["better_smaller"] = float(better + 1)
    if outcome is Outcome.PASS and better is not None:
        told = f"the largest surely agrees less than rung {better + 1} of {len(rungs)}"
        top = top_of(rungs, better, gate.alpha, rng) if trained else None
        if top is not None and top.flat(gate.margin):
            figures |= {"top_lost": top.lost, "top_most_lost": top.most_lost, "top_least_gained": top.least_gained}
            reason += (
                f"; {told}, but answers as well (macro-F1 {-top.lost:+.3f}, surely less than {gate.margin:.3f} lost, "
                f"and {top.gained:+.3f} against the smallest): flat at the top, which says nothing against the labels"
            )
        else:
            outcome = Outcome.INCONCLUSIVE
            reason += f"; but {told}: look at its training"
    place = found[GOLD].outlying if GOLD in found else None
    if place is not None:
        figures["outlying"] = float(place + 1)
        reason += f"; {ladder.rungs[place]} stands outside the ladder, which rises without it: look at its training"
    return Check(name=name, outcome=outcome, reason=reason, figures=figures)


def _shown(figure: str, slope: Slope) -> dict[str, float]:
    low, high = slope.interval
    return {f"{figure}_per_doubling": slope.per_doubling, f"{figure}_low": low, f"{figure}_high": high}


def _gain(found: dict[str, Slope]) -> str:
    told = ""
    for figure, scale, unit in (("F1", 100, "points of F1"), (GOLD, 1, "nats")):
        if figure in found:
            slope = found[figure]
            low, high = (scale * bound for bound in slope.interval)
            told += f"; {scale * slope.per_doubling:+.2g} {unit} a doubling, {low:+.2g} to {high:+.2g}"
    return told


def _trend_outcome(trend: Trend, told: str, gate: GateSettings, *, plenty: bool) -> tuple[Outcome, str]:
    if trend.p_rise < gate.alpha:
        return Outcome.PASS, f"larger rungs agree better with the labels {told}"
    if trend.p_fall < gate.alpha:
        return Outcome.FAIL, f"larger rungs agree less with the labels, which points at the labels, {told}"
    if plenty:
        return Outcome.FAIL, f"larger rungs do not agree better with the labels {told}"
    if trend.items >= PLENTY:
        reason = f"no sure rise yet {told}; labels of both answers from {PLENTY_CONVERSATIONS} conversations would tell"
        return Outcome.INCONCLUSIVE, reason
    more = min(PLENTY - trend.items, trend.missing or PLENTY)
    return Outcome.INCONCLUSIVE, f"no sure rise yet {told}; about {more} more labels would tell"
