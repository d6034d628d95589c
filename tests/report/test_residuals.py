"""Where the score errs."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import residuals, style
from tests.report.test_calibration import scored


def test_residuals_are_told_by_quality_size_time_and_challenge():
    iou = np.repeat([0.1, 0.9], 8)
    rows = scored(iou + np.where(iou < 0.5, 0.4, -0.1), iou).assign(area=iou / 10, attributes="fast_motion;FM")
    table = residuals.prepare(rows, "qpm")
    quality = table[table.against == "iou"]
    assert quality["median"].tolist() == pytest.approx([0.4, -0.1]) and quality["count"].tolist() == [8, 8]
    size = table[table.against == "area"]
    assert size["median"].tolist() == pytest.approx([0.4, -0.1]) and size.x.tolist() == pytest.approx([0.01, 0.09])
    time = table[table.against == "since"]
    assert time["count"].sum() == 16 and time["median"].iloc[[0, -1]].tolist() == pytest.approx([0.4, -0.1])
    named = table[table.against == "attribute"].set_index("group")
    assert named["count"].to_dict() == {"all": 16, "object visible": 16, "fast motion": 16}


def test_an_absent_object_is_told_apart():
    rows = scored([0.9, 0.8, 0.9], [0.9, 0.0, 1.0])
    rows["present"] = pd.array([True, False, pd.NA], "boolean")
    named = residuals.prepare(rows, "qpm").query("against == 'attribute'").set_index("group")
    assert named["count"].to_dict() == {"all": 3, "object visible": 1, "object absent": 1}
    assert named["median"]["object absent"] == pytest.approx(0.8)


def test_rows_without_areas_have_one_panel_less(rows):
    with_areas = residuals.prepare(rows.assign(area=0.01 + rows.iou_true / 9), "qpm")
    with style.theme():
        assert len(residuals.figure(with_areas).axes) == 4
        assert len(residuals.figure(residuals.prepare(rows, "qpm")).axes) == 3


@pytest.mark.parametrize("spread", [1.5, 6, 200])
def test_the_axis_of_areas_names_more_than_one_of_them(spread):
    iou = np.linspace(0.05, 0.95, 64)
    rows = scored(iou, iou).assign(area=0.003 * np.geomspace(1, spread, 64))
    with style.theme():
        ax = residuals.figure(residuals.prepare(rows, "qpm")).axes[1]
    low, high = ax.get_xlim()
    shown = [area for area in ax.xaxis.get_majorticklocs() if low <= area <= high]
    assert "size" in ax.get_title(loc="left") and 2 <= len(shown) <= 8
