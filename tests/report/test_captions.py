"""Captions say where numbers come from and how far they carry."""

from dataclasses import replace

import pandas as pd
import pytest

from qpm.report import captions


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"name": "synthetic", "split": "val"}, "the built-in synthetic videos (val)"),
        ({"name": "davis", "year": 2016, "split": "val"}, "real video, DAVIS-2016 (val)"),
        ({"name": "folder", "root": "/data/cats"}, "real video in the folder 'cats'"),
        ({"name": "youtube-vos", "split": "valid"}, "youtube-vos (valid)"),
    ],
)
def test_a_dataset_is_named_as_built_in_or_real(config, words):
    assert captions.dataset_name(config) == words


def test_the_counts_are_those_of_the_scored_rows(results):
    assert captions.data(results).endswith("8 videos, 15 objects, 40 frames each.")


def test_a_figure_of_jf_beside_tables_of_g_says_how_they_differ(results):
    assert "the G of the tables gives seen and unseen" in captions.unlike_g(results)
    only_seen = replace(results, rows=results.rows.assign(seen=True))
    assert captions.unlike_g(only_seen) == "" and captions.measure("J&F") == ""


def test_a_case_with_other_weights_is_named(results):
    for trial in results.trials:
        if trial["config"]["case"] == "qpm":
            trial["config"]["weights"] = ["runs/a.safetensors", "runs/b.safetensors"]
    assert captions.network(results) == "Weights: half (QPM: a + b), longer side at most 432 px."


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "1 video is too few to tell any difference from chance"),
        (5, "no p can fall below 0.062"),
        (8, "8 videos are too few for small effects: the typical interval is ±0.020"),
    ],
)
def test_few_videos_are_called_few(n, words):
    table = pd.DataFrame({"difference": [0.01], "low": [-0.01], "high": [0.03], "n_videos": [n]})
    said = captions.small_sample(table)
    assert words in said


def test_enough_videos_need_no_warning():
    table = pd.DataFrame({"difference": [0.01], "low": [0.0], "high": [0.02], "n_videos": [64]})
    assert captions.small_sample(table) == ""
