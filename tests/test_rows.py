"""The tidy table keeps its types through a file and refuses what no trial could have written."""

import numpy as np
import pandas as pd
import pytest

from qpm import rows as tidy


def two_rows(**changed):
    """The same object on two frames, with the required columns only."""
    table = {
        "sequence": "dog", "object_id": 1, "frame": ["00000", "00001"], "frame_index": [0, 1], "scored": [False, True],
        "j": [np.nan, 0.5], "f": [np.nan, 0.25],
    }  # fmt: skip
    return pd.DataFrame(table | changed)


def test_a_table_survives_the_file_with_every_type(tmp_path):
    table = two_rows(
        seen=[True, None],
        prior_frame=[None, 0],
        memorized=[None, "long;previous"],
        temporal_iou=[np.nan, 0.7],
    )
    tidy.write_rows(tmp_path / "rows.parquet", table)
    read = tidy.read_rows(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(read, tidy.check(table))
    assert {name: str(read[name].dtype) for name in tidy.COLUMNS} == {
        name: column.dtype for name, column in tidy.COLUMNS.items()
    }
    assert read.memorized.tolist() == ["", "long;previous"]
    assert read.prior_frame.isna().tolist() == [True, False]


def test_columns_that_are_left_out_get_their_default():
    table = tidy.check(two_rows())
    assert table.seed.tolist() == [0, 0]
    assert table.seen.isna().all() and table.score.isna().all()


def test_other_columns_are_signals_and_stay_numbers():
    table = tidy.check(two_rows(temporal_iou=[1, 0]))
    assert tidy.signals(table) == ["temporal_iou"]
    assert table.temporal_iou.dtype == np.float64


def test_an_empty_table_has_all_columns():
    table = tidy.check(two_rows().iloc[:0])
    assert list(table.columns) == list(tidy.COLUMNS) and table.empty


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"j": [0.1, 1.5]}, "j must lie in 0..1, dog object 1 frame 00001 has 1.5"),
        ({"j": [0.1, np.nan]}, "dog object 1 frame 00001 is scored but has no measure"),
        ({"frame": "00000"}, "dog object 1 frame 00000 appears twice"),
        ({"frame_index": ["first", "second"]}, "column 'frame_index' must hold int64"),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_name(changed, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        tidy.check(two_rows(**changed))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"rows lack the columns \['j'\]"):
        tidy.check(two_rows().drop(columns="j"))


def test_a_file_of_something_else_is_named(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"other\.parquet is not a table of rows"):
        tidy.read_rows(tmp_path / "other.parquet")


def test_several_files_are_read_as_one_table_and_the_faulty_one_is_named(tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in ("first", "second")]
    tidy.write_rows(paths[0], two_rows(case="a", temporary_iou=[0.1, 0.2]))
    tidy.write_rows(paths[1], two_rows(case="b"))
    table = tidy.read_rows(*paths)
    assert table.case.tolist() == ["a", "a", "b", "b"] and table.index.tolist() == [0, 1, 2, 3]
    assert table.temporary_iou.isna().tolist() == [False, False, True, True]
    two_rows(case="b").drop(columns="j").to_parquet(paths[1])
    with pytest.raises(ValueError, match=r"second\.parquet is not a table of rows: rows lack the columns"):
        tidy.read_rows(*paths)
    tidy.check(two_rows(case="b")).assign(temporary_iou=0.5, j=2.0).to_parquet(paths[1])
    with pytest.raises(ValueError, match=r"second\.parquet is not a table of rows: j must lie in 0\.\.1"):
        tidy.read_rows(*paths)


def test_rows_that_are_refused_leave_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "rows.parquet"
    tidy.write_rows(path, two_rows())
    before = path.read_bytes()
    with pytest.raises(ValueError):
        tidy.write_rows(path, two_rows(j=[2.0, 0.5]))
    assert path.read_bytes() == before
