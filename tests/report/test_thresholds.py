"""The score over a threshold."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import heatmap, style, thresholds
from qpm.report.load import NotMeasuredError, Results
from tests.report.fabricate import study_rows


@pytest.fixture(scope="module")
def sweep():
    return study_rows([f"qpm,sigma_m={value}" for value in (0.9, 0.5, 0.75)], videos=6)


def test_the_grid_is_read_from_the_cases_names():
    assert thresholds.grid_values("qpm,sigma_m=0.6,prior.sigma_en=0.65") == {
        "sigma_m": 0.6,
        "prior.sigma_en": 0.65,
    }
    assert thresholds.grid_values("sigma_m=1e-3,policy=qpm") == {"sigma_m": 0.001}
    assert thresholds.grid_values("qpm") == {}


def test_what_varies_is_swept_and_the_memory_threshold_comes_first(sweep):
    names = [f"n=5,sigma_en={a},sigma_m={b}" for a in (0.5, 0.6) for b in (0.7, 0.8)]
    rows = sweep.iloc[:4].assign(case=names)
    assert thresholds.swept(rows) == ("sigma_m", "sigma_en")


def test_points_are_in_order_and_compared_with_the_one_nearest_to_the_paper(sweep):
    table = thresholds.prepare(sweep, ["sigma_m"])
    assert table.sigma_m.tolist() == [0.5, 0.75, 0.9]
    assert table.reference.tolist() == [False, True, False]
    middle = table.iloc[1]
    assert middle[["difference", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    base = float(middle.measured)
    assert table.difference.tolist() == pytest.approx((table.measured - base).tolist())


def test_a_higher_threshold_keeps_fewer_frames(sweep):
    assert thresholds.prepare(sweep, ["sigma_m"]).kept_share.is_monotonic_decreasing


def test_a_study_without_that_setting_says_which_cases_it_has(rows):
    with pytest.raises(NotMeasuredError, match="no case of the study is named by sigma_m; cases: stm"):
        thresholds.prepare(rows, ["sigma_m"])


def test_every_named_case_and_every_further_setting_has_a_grid_of_its_own(tmp_path):
    places = [f"{case},n={n}" for case in ("qpm", "quality_gated") for n in (5, 9)]
    names = [f"{place},sigma_m={value}" for place in places for value in (0.5, 0.7)]
    rows = study_rows(names, videos=3)
    own = thresholds.families(rows, ["sigma_m"])
    assert list(own) == places
    assert set(own["qpm,n=9"].case) == {"qpm,n=9,sigma_m=0.5", "qpm,n=9,sigma_m=0.7"}
    with pytest.raises(NotMeasuredError, match="several cases stand at one point of sigma_m: qpm,n=5,sigma_m=0.5, qpm"):
        thresholds.prepare(rows, ["sigma_m"])
    section = thresholds.report(Results(tmp_path, rows, ()), ["sigma_m"])
    assert [part.name for part in section.parts] == [f"thresholds_{name}" for name in own]
    assert all(path.is_file() for part in section.parts for path in part.files)


def test_a_study_without_grid_and_curves_says_so(rows, tmp_path):
    with pytest.raises(NotMeasuredError, match="no grid over a setting, and no trial with `curves`"):
        thresholds.report(Results(tmp_path, rows, ()))


def test_the_paper_value_is_marked(sweep):
    with style.theme():
        top, bottom, _ = thresholds.figure(thresholds.prepare(sweep, ["sigma_m"]), ["sigma_m"]).axes
    for ax in (top, bottom):
        assert any(np.allclose(line.get_xdata(), 0.7) for line in ax.lines)


def test_two_settings_are_a_heatmap_with_its_plateau_outlined():
    cases = [f"qpm,sigma_m={a},sigma_en={b}" for a in (0.7, 0.95) for b in (0.65, 0.7)]
    table = thresholds.prepare(study_rows(cases, videos=6), ["sigma_m", "sigma_en"])
    with style.theme():
        ax = thresholds.figure(table, ["sigma_m", "sigma_en"]).axes[0]
    assert len(ax.texts) == 4 and {"0.0"} < {text.get_text() for text in ax.texts}
    assert ax.get_xlabel() == "memory threshold $σ_m$"


def test_the_plateau_is_a_small_difference_and_not_a_wide_interval():
    grid = [(a, b) for a in (0.6, 0.7) for b in (0.55, 0.65)]
    table = pd.DataFrame(grid, columns=["sigma_m", "sigma_en"])
    table["difference"] = [-0.05, 0.004, -0.02, 0.0]
    table["low"], table["high"] = [-0.2, 0.001, -0.03, 0.0], [0.1, 0.006, -0.01, 0.0]
    table["reference"], table["metric"] = [False, False, False, True], "G"
    assert heatmap.told_apart(table).tolist() == [False, True, True, False]
    with style.theme():
        ax = thresholds.figure(table, ["sigma_m", "sigma_en"]).axes[0]
    heavy = {text.get_text() for text in ax.texts if text.get_weight() == "bold"}
    assert heavy == {"+0.4", "×"}  # -5 points, though its interval holds zero, is no plateau


def test_a_large_heatmap_tells_where_its_colours_end(results):
    values = np.linspace(0, 1, 10)
    table = pd.DataFrame([(a, b) for a in values for b in values], columns=["sigma_m", "sigma_en"])
    table["difference"] = -np.arange(100) / 1000
    table = table.assign(low=table.difference - 0.01, high=0.01, reference=table.index == 0, metric="G", n_videos=8)
    text = thresholds.caption(results, table.assign(p=0.5, p_holm=1.0), ["sigma_m", "sigma_en"])
    assert "less than 1 point away" in text and "which is not the same as no difference" in text
    assert "The deepest colour stands for ±8.9 and beyond (up to 9.9)" in text and "to σm = 0, σen = 0" in text


def test_what_nobody_measured_is_not_hatched():
    values = np.linspace(0, 1, 10)
    table = pd.DataFrame([(a, b) for a in values for b in values], columns=["sigma_m", "sigma_en"])
    table = table.assign(difference=0.0, low=-0.01, high=0.01, reference=table.index == 0, metric="G").drop([5, 50])
    with style.theme():
        ax = thresholds.figure(table, ["sigma_m", "sigma_en"]).axes[0]
    assert not [patch for patch in ax.patches if patch.get_hatch()]


def test_the_outline_of_one_cell_has_four_sides():
    ax = style.figure().subplots()
    heatmap.outline(np.array([[True, False], [False, False]]), ax)
    assert len(ax.lines) == 4
