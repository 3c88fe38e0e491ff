"""The seed paper's tables: Qwen1.5-Chat by size on 2,302 labelled questions, in percent."""

from retrain.scaling.table import TableRung

SIZES = {"0.5B": 500, "1.8B": 1_800, "4B": 4_000, "7B": 7_000, "14B": 14_000, "32B": 32_000}
PRECISION = (55.68, 56.15, 56.92, 57.11, 60.77, 68.29)
VANILLA_F1 = (52.43, 50.02, 62.75, 68.17, 64.59, 60.15)
TUNED_F1 = (60.60, 62.90, 51.25, 69.22, 77.09, 85.58)
MOE = TableRung(
    rung="MoE-2.7B",
    parameters=14_300_000_000,
    dense=False,
    figures={"precision": 61.79, "vanilla F1": 32.86, "tuned F1": 61.93},
)
RUNGS = (
    *(
        TableRung(
            rung=name,
            parameters=millions * 1_000_000,
            dense=True,
            figures={"precision": p, "vanilla F1": v, "tuned F1": t},
        )
        for (name, millions), p, v, t in zip(SIZES.items(), PRECISION, VANILLA_F1, TUNED_F1, strict=True)
    ),
    MOE,
)
