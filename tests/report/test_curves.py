"""The score at every value of a threshold, from the steps of each video."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from qpm.report import curves, style
from qpm.report.load import Results


def steps(
    *objects: tuple[str, int, list[tuple[float, float, float]]], seen: bool | None = None
) -> pd.DataFrame:
    """One row per object and step (low, high, score); F is J plus .2. Below .5 half of the frames are kept
    and 10 are read, else none and 3."""
    rows = [
        {"case": "qpm", "setting": "keep.sigma_m", "low": low, "high": high, "dataset": "d", "sequence": video,
         "object_id": number, "seen": seen, "j": score, "f": score + 0.2, "kept": 0.5 * (low < 0.5),
         "bank_frames": 10.0 if low < 0.5 else 3.0}
        for video, number, own in objects
        for low, high, score in own
    ]  # fmt: skip
    return pd.DataFrame(rows)


TWO = steps(
    ("a", 1, [(0.0, 0.4, 0.6), (0.4, 1.0, 0.5)]),
    ("b", 1, [(0.0, 0.75, 0.3), (0.75, 1.0, 0.1)]),
    ("b", 2, [(0.0, 0.75, 0.9), (0.75, 1.0, 0.9)]),
)


def test_the_jumps_of_all_videos_part_the_curve_and_every_object_counts_the_same() -> None:
    table = curves.prepare(TWO, "keep.sigma_m")
    assert list(zip(table.low, table.high, strict=True)) == [(0.0, 0.4), (0.4, 0.75), (0.75, 1.0)]
    expected = [(0.6 + 0.3 + 0.9) / 3 + 0.1, (0.5 + 0.3 + 0.9) / 3 + 0.1, (0.5 + 0.1 + 0.9) / 3 + 0.1]
    assert table.measured.tolist() == pytest.approx(expected)
    assert set(table.metric) == {"J&F"} and set(table.n_videos) == {2}
    assert table.bank_frames.tolist() == pytest.approx([10, 10, 16 / 3])
    assert table.kept_share.tolist() == pytest.approx([0.5, 0.5, 0.5 / 3])


def test_differences_are_to_the_step_that_holds_the_papers_value() -> None:
    table = curves.prepare(TWO, "keep.sigma_m")
    assert table.reference.tolist() == [False, True, False]
    assert table.difference.tolist() == pytest.approx([0.1 / 3, 0.0, -0.2 / 3])
    assert table.loc[1, ["lower", "upper"]].tolist() == [0.0, 0.0]
    assert (table.lower <= table.difference + 1e-12).all() and (table.difference <= table.upper + 1e-12).all()


def test_a_curve_that_ends_below_the_papers_value_is_compared_with_its_lowest_step() -> None:
    low = steps(("a", 1, [(0.0, 0.4, 0.6), (0.4, 0.6, 0.5)]))
    assert curves.prepare(low, "keep.sigma_m").reference.tolist() == [True, False]


def test_seen_and_unseen_objects_make_it_g() -> None:
    both = pd.concat([
        steps(("a", 1, [(0.0, 1.0, 0.6)]), ("a", 2, [(0.0, 1.0, 0.4)]), seen=True),
        steps(("b", 1, [(0.0, 0.5, 0.2), (0.5, 1.0, 0.0)]), seen=False),
    ])  # fmt: skip
    table = curves.prepare(both, "keep.sigma_m")
    assert set(table.metric) == {"G"}
    assert table.measured.tolist() == pytest.approx(
        [(0.5 + 0.7 + 0.2 + 0.4) / 4, (0.5 + 0.7 + 0.0 + 0.2) / 4]
    )


def test_the_figure_has_every_jump_and_marks_the_paper() -> None:
    table = curves.prepare(TWO, "keep.sigma_m")
    with style.theme():
        drawing = curves.figure({"keep.sigma_m": table})
    score, kept, bank = drawing.axes
    for ax, heights in ((score, table.measured), (kept, 100 * table.kept_share), (bank, table.bank_frames)):
        steps = [(list(patch.get_data().edges), list(patch.get_data().values)) for patch in ax.patches]
        assert ([0.0, 0.4, 0.75, 1.0], heights.tolist()) in steps
    assert all(any(line.get_xdata()[0] == 0.7 for line in ax.lines) for ax in (score, kept))
    plt.close(drawing)


def test_the_summary_names_the_paper_the_plateau_and_the_best() -> None:
    printed = curves.summary({"keep.sigma_m": curves.prepare(TWO, "keep.sigma_m")}, "caption")
    assert printed.cells["Step"].tolist() == ["reference", "widest step", "best, in hindsight"]
    assert printed.cells["From"].tolist() == ["0.4000", "≤ 0.0000", "≤ 0.0000"]  # at the curve's end a step may go on
    assert printed.cells["To"].tolist()[0] == "0.7500" and printed.cells["Threshold"].tolist() == ["σm"] * 3
    assert printed.numbers.steps.tolist() == [3, 3, 3]


def test_the_axis_of_the_score_holds_the_whole_band_and_never_magnifies_half_a_point():
    flat = pd.DataFrame(
        {"measured": [0.7, 0.7001], "lower": [-0.0002, 0.0], "upper": [0.0, 0.0], "reference": [False, True]}
    )
    low, high = curves.span([flat])
    assert low < 0.6951 and high > 0.7051
    low, high = curves.span([flat, flat.assign(lower=[-0.2, 0.0])])
    assert low < 0.5001 and high > 0.7051


def test_each_case_has_its_curves_of_its_lowest_seed(tmp_path) -> None:
    trials = []
    for case, seed in (("qpm", 1), ("qpm", 0), ("quality_gated", 0), ("stm", 0)):
        folder = f"{case}-{seed}"
        trials.append({"folder": folder, "config": {"case": case, "seed": seed}})
        (tmp_path / "trials" / folder).mkdir(parents=True)
        if case != "stm":
            TWO.assign(case=case, j=0.1 * seed).to_parquet(tmp_path / "trials" / folder / curves.FILE)
    found = curves.read(Results(tmp_path, pd.DataFrame(), tuple(trials)))
    assert list(found) == ["qpm", "quality_gated"] and set(found["qpm"].j) == {0.0}
