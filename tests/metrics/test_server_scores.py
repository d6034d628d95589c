"""What a server answered: both servers' names, a CSV, percentages, and what is no answer."""

import datetime
import hashlib
from pathlib import Path

import pytest

from qpm.metrics.server_scores import import_scores, imported, read_scores

YOUTUBE = {"overall": 0.842, "J_seen": 0.816, "J_unseen": 0.799, "F_seen": 0.87, "F_unseen": 0.881}
DAVIS = {
    "J&F": 0.8, "J_mean": 0.78, "J_recall": 0.9, "J_decay": -0.01, "F_mean": 0.82, "F_recall": 0.93, "F_decay": 0.02,
}  # fmt: skip
ANSWERS = {
    "lines": ("Overall: 0.842\nJ_seen: 0.816\nJ_unseen: 0.799\nF_seen: 0.870\nF_unseen: 0.881\n", YOUTUBE),
    "csv": ("overall,J seen,J unseen,F seen,F unseen\n0.842,0.816,0.799,0.870,0.881\n", YOUTUBE),
    "percent": ("Overall\t84.2\nJ-Seen\t81.6\nJ-Unseen\t79.9\nF-Seen\t87.0\nF-Unseen\t88.1\n", YOUTUBE),
    "two columns": (
        "name,value\nOverall,0.842\nJ_seen,0.816\nJ_unseen,0.799\nF_seen,0.87\nF_unseen,0.881\n",
        YOUTUBE,
    ),
    "davis": (
        "GlobalMean: 0.800000\nJMean: 0.780000\nJRecall: 0.900000\nJDecay: -0.010000\n"
        "FMean: 0.820000\nFRecall: 0.930000\nFDecay: 0.020000\n",
        DAVIS,
    ),
    "davis csv": (
        "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n0.800,0.780,0.900,-0.010,0.820,0.930,0.020\n",
        DAVIS,
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_way_of_writing_gives_the_same_numbers(tmp_path, name):
    text, expected = ANSWERS[name]
    (tmp_path / "scores.txt").write_text(text)
    server, scores = read_scores(tmp_path / "scores.txt")
    assert server == ("davis" if expected is DAVIS else "youtube-vos")
    assert scores == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Overall: 0.842\nJ_seen: 0.816\n", "no J_unseen, F_seen, F_unseen of the server of youtube-vos"),
        ("everything is fine", "holds nothing of the form name: value"),
        (ANSWERS["lines"][0].replace("0.842", "0.9"), "overall is 0.9000, but the mean of .* is 0.8415"),
        (ANSWERS["lines"][0].replace("0.816", "-0.816"), "J_seen is -0.816; scores are 0..1"),
        (ANSWERS["lines"][0].replace("0.842", "84.2"), "scores are|but the mean of"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path, text, told):
    (tmp_path / "scores.txt").write_text(text)
    with pytest.raises(ValueError, match=told):
        read_scores(tmp_path / "scores.txt")


def test_an_answer_is_kept_with_source_date_and_digest(tmp_path: Path):
    file = tmp_path / "scores.txt"
    file.write_text(ANSWERS["lines"][0])
    given = import_scores(file, tmp_path / "study", "qpm", "CodaLab 6066", datetime.date(2026, 11, 22))
    assert imported(tmp_path / "study") == {"qpm": given}
    assert given.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert given.origin == f"CodaLab 6066, 2026-11-22, scores.txt (SHA-256 {given.sha256[:12]})"


def test_without_a_date_it_is_that_of_the_file(tmp_path: Path):
    file = tmp_path / "scores.txt"
    file.write_text(ANSWERS["davis"][0])
    day = datetime.date.fromtimestamp(file.stat().st_mtime)
    assert import_scores(file, tmp_path, "stm").date == day
    assert imported(tmp_path / "nothing") == {}
