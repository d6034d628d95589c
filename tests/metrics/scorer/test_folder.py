"""Scoring whole folders: the published numbers, zips, processes, and what the report holds."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from qpm.metrics.scorer import compare_folders, score_folder
from qpm.metrics.scorer.store import open_store
from qpm.rows import read_rows


@pytest.fixture
def folders(save, truth, prediction):
    """Truth and a moved prediction of two sequences, the second one shorter."""
    return save("gt", {"a": truth, "b": truth[:6]}), save("pred", {"a": prediction, "b": prediction[:6]})


def zip_of(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, prefix + str(file.relative_to(folder)))
    return path


def test_published_numbers_of_osvos_are_met_to_the_last_digit(shared_data):
    published = json.loads((shared_data / "results" / "osvos_davis2017.json").read_text())
    report = score_folder(
        shared_data / "DAVIS" / "Annotations" / "480p",
        shared_data / "results" / "osvos",
        "davis2016",
        subset=True,
    )
    ours = report.objects.set_index("sequence")
    assert set(ours.index) == set(published)
    for sequence, objects in published.items():
        for name, value in objects["1"].items():
            assert ours.loc[sequence, name] == pytest.approx(value, abs=1e-9), (sequence, name)


def test_a_zip_scores_like_its_folder_whatever_folders_are_around(folders, tmp_path):
    gt, pred = folders
    expected = score_folder(gt, pred, "davis2017")
    for name, prefix in (
        ("flat", ""),
        ("wrapped", "mymethod/"),
        ("youtube", "Annotations/"),
        ("deep", "x/Annotations/"),
    ):
        report = score_folder(gt, zip_of(pred, tmp_path / f"{name}.zip", prefix), "davis2017")
        pd.testing.assert_frame_equal(report.objects, expected.objects)


def test_a_zip_is_not_unpacked_to_disk(folders, tmp_path):
    gt, pred = folders
    archive = zip_of(pred, tmp_path / "pred.zip")
    before = sorted(tmp_path.rglob("*"))
    score_folder(gt, archive, "davis2017")
    assert sorted(tmp_path.rglob("*")) == before


def test_hidden_and_foreign_files_are_not_masks(folders):
    gt, pred = folders
    for name in (".DS_Store", "._00003.png", "results.csv"):
        (pred / "a" / name).write_bytes(b"junk")
    (pred / "notes.png").write_bytes(b"junk")
    assert list(open_store(pred).folders) == ["a", "b"]
    assert len(open_store(pred).folders["a"]) == 12


def test_a_dataset_root_is_as_good_as_its_annotations(save, truth, prediction, tmp_path):
    save("DAVIS/Annotations/480p", {"a": truth, "b": truth})
    pred = save("pred", {"a": prediction, "b": prediction})
    root = score_folder(tmp_path / "DAVIS", pred, "davis2017")
    inner = score_folder(tmp_path / "DAVIS" / "Annotations" / "480p", pred, "davis2017")
    assert root.scores == inner.scores


def test_more_processes_change_no_number(folders):
    one = score_folder(*folders, "davis2017", jobs=1)
    two = score_folder(*folders, "davis2017", jobs=2)
    pd.testing.assert_frame_equal(one.rows, two.rows)
    assert one.warnings == two.warnings


def test_progress_counts_frames_up_to_all_of_them(folders):
    seen = []
    score_folder(*folders, "davis2017", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, 14), (14, 14)]


def test_report_is_json_with_the_agreed_keys(folders):
    answer = score_folder(*folders, "davis2017").to_json(per_frame=True)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert list(answer["global"]) == ["J&F", "J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay"]
    assert list(answer["objects"][0]) == [
        "sequence", "object_id", "J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay", "frames",
    ]  # fmt: skip
    assert answer["objects"][2]["frames"] == 4
    assert answer["frames"][0] == {
        "sequence": "a", "object_id": 1, "frame": "00001", "J": answer["objects"][0]["J_mean"],
        "F": answer["objects"][0]["F_mean"],
    }  # fmt: skip
    assert "frames" not in score_folder(*folders, "davis2017").to_json()


def test_rows_and_objects_are_written_to_files(folders, tmp_path):
    report = score_folder(*folders, "davis2017")
    report.to_parquet(tmp_path / "rows.parquet")
    report.to_csv(tmp_path / "objects.csv")
    pd.testing.assert_frame_equal(read_rows(tmp_path / "rows.parquet"), report.rows)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "objects.csv"), report.objects)


def test_frames_that_nobody_shows_are_counted_and_can_be_left_out(save, truth, prediction):
    truth[3:8][truth[3:8] == 2], prediction[3:8][prediction[3:8] == 2] = 0, 0
    report = score_folder(save("gt", truth), save("pred", prediction), "davis2017")
    answer = report.to_json()["empty_union"]
    assert answer["frames"] == 5
    assert answer["J_mean_without"] == pytest.approx(0.78328, abs=1e-5)
    assert report.scores["J_mean"] == pytest.approx((0.78328 + (0.78328 + 1) / 2) / 2, abs=1e-5)
    assert report.warnings[0].startswith("5 object frames are empty in truth and prediction")


def test_comparing_a_folder_with_itself_finds_nothing(folders, tmp_path):
    gt, pred = folders
    comparison = compare_folders(gt, [pred, zip_of(pred, tmp_path / "same.zip")], "davis2017")
    assert comparison.table[["case", "difference", "p", "p_holm", "tie"]].values.tolist() == [
        ["same", 0, 1, 1, 2]
    ]
    assert "n = 2 videos" in comparison.table.note.item()


def test_comparing_names_the_sequence_that_differs_most(save, truth, prediction):
    gt = save("gt", dict.fromkeys("abcdefg", truth))
    base = save("base", dict.fromkeys("abcdefg", prediction))
    better = save("better", dict.fromkeys("abdefg", prediction) | {"c": truth})
    worse = save("worse", dict.fromkeys("abcdefg", np.roll(prediction, 4, axis=1)))
    comparison = compare_folders(gt, [base, better, worse], "davis2017")
    assert comparison.baseline == "base"
    table = comparison.table.set_index("case")
    assert table.loc["better", ["win", "tie", "loss"]].tolist() == [1, 6, 0]
    assert table.loc["better", "difference"] == pytest.approx((1 - (0.78328 + 0.98958) / 2) / 7, abs=1e-5)
    assert table.loc["worse", ["win", "tie", "loss"]].tolist() == [0, 0, 7]
    assert table.loc["worse", "p_holm"] == 2 * table.loc["worse", "p"] == 4 / 2**7
    assert comparison.videos["better"].sequence[0] == "c"
    json.dumps(comparison.to_json(), allow_nan=False)
