"""What a policy costs."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import cost, style
from qpm.report.load import NotMeasuredError
from qpm.rows import check


def rows() -> pd.DataFrame:
    """Two objects on five frames: 1, 2, 3, 4 frames of 2 MB are read, the last of them in 0.5 s."""
    records = [
        {
            "case": "qpm", "sequence": "a", "object_id": object_id, "frame": str(index), "frame_index": index,
            "annotated": index == 0, "scored": False, "j": np.nan, "f": np.nan, "bank_frames": index,
            "bank_bytes": 2_000_000 * index, "seconds": 0.5 if index == 4 else 0.1,
            "memorized": "annotated" if index == 0 else "previous;long" if index == 3 else "previous",
        }
        for object_id in (1, 2) for index in range(5)
    ]  # fmt: skip
    return check(pd.DataFrame(records))


def test_a_frame_counts_once_however_many_objects_it_has_and_given_ones_do_not():
    (row,) = cost.prepare(rows()).to_dict("records")
    assert (row["bank_frames"], row["bank_frames_most"], row["n_frames"]) == (2.5, 4, 4)
    assert (row["bank_megabytes"], row["bank_megabytes_most"]) == (5, 8) and row["kept_share"] == 0.25
    assert row["seconds"] == 0.1 and row["seconds_slow"] == pytest.approx(0.38)  # 0.7 of the way to the slowest
    assert np.isnan(row["peak_gigabytes"])


def test_growth_is_the_mean_over_videos_at_each_frame():
    other = rows().assign(sequence="b", bank_frames=1)
    growth = cost.prepare_growth(pd.concat([rows(), other]))
    assert growth.frame_index.tolist() == [1, 2, 3, 4] and growth.bank_frames.tolist() == [1, 1.5, 2, 2.5]


def test_rows_of_before_the_bytes_were_counted_have_two_panels():
    with style.theme():
        assert len(cost.figure(rows()).axes) == 3
        assert len(cost.figure(rows().drop(columns=["bank_bytes", "peak_bytes"])).axes) == 2


def test_a_peak_that_a_gpu_measured_is_what_the_memory_panel_shows():
    with style.theme():
        drawing = cost.figure(rows().assign(peak_bytes=3_000_000_000))
    assert drawing.axes[2].get_xlabel() == "peak memory on the GPU (GB)"
    assert marks(drawing.axes[2]) == [3, 3]


def test_memory_is_a_mean_and_the_largest_bank():
    with style.theme():
        ax = cost.figure(rows()).axes[2]
    assert ax.get_xlabel() == "bank (MB)" and marks(ax) == [5, 8]
    assert [text.get_text() for text in ax.texts] == ["mean", "largest"]


def marks(ax) -> list[float]:
    """Where the marks of the only policy stand."""
    return [float(line.get_xdata()[0]) for line in ax.lines]


def test_a_peak_that_nobody_measured_is_in_the_csv_alone():
    numeric = cost.prepare(rows())
    table = cost.cost_table(numeric, "")
    assert "GPU peak, GB" not in table.cells and "peak_gigabytes" in table.numbers
    measured = cost.cost_table(numeric.assign(peak_gigabytes=3.0), "")
    assert measured.cells["GPU peak, GB"].tolist() == ["3.00"]


def test_policies_that_read_the_same_share_a_name(results):
    with style.theme():
        ax = style.figure().subplots()
        both = pd.concat([rows(), rows().assign(case="quality_gated")])
        cost.draw_growth(cost.prepare_growth(both), ax)
    assert [text.get_text() for text in ax.texts] == ["QPM, quality gated"]


def test_a_shared_name_breaks_between_policies_and_not_inside_one():
    with style.theme():
        ax = style.figure().subplots()
        same = pd.concat([rows().assign(case=name) for name in ("stm", "stm_1", "stm_ensemble")])
        cost.draw_growth(cost.prepare_growth(same), ax)
    assert [text.get_text() for text in ax.texts] == ["STM, STM 1,\nSTM ensemble"]


def test_the_report_is_a_table_and_a_figure(results):
    section = cost.report(results)
    assert section.table is not None and section.table.cells.Policy.tolist()[:2] == ["STM", "quality gated"]
    with pytest.raises(NotMeasuredError, match="no seconds"):
        cost.report(type(results)(results.folder, results.rows.assign(seconds=np.nan), ()))
