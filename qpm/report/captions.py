"""What stands below a table or figure: which data, which network, which settings, and how far it carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.metrics.summary import metric_name
from qpm.report import style
from qpm.report.load import Results, settings
from qpm.report.network import departures
from qpm.report.numbers import fixed

FEWEST_VIDEOS = 6  # with five, the smallest two-sided p of a sign-flip test is 2^-4 = 0.06
FEW_VIDEOS = 30  # DAVIS-2017 val; below this a caption says what the interval cannot tell apart
NOT_COMPARABLE = (
    "The paper's column is the authors' network on {where}; the measured columns are other data and other weights, "
    "so the two must not be compared in absolute terms, only the differences inside each."
)


def data(results: Results) -> str:
    """Return "Measured on the built-in synthetic videos (val): 16 videos, 31 objects, 48 frames each.", and gaps."""
    scored = results.rows.loc[results.rows.scored, ["dataset", "sequence", "object_id"]]
    videos = scored.drop_duplicates(["dataset", "sequence"])
    objects = scored.drop_duplicates(["dataset", "sequence", "object_id"])
    lengths = results.rows.groupby(["dataset", "sequence"]).frame_index.max() + 1
    low, high = int(lengths.min()), int(lengths.max())
    frames = f"{low} frames each" if low == high else f"{low} to {high} frames"
    names = dict.fromkeys(dataset_name(trial["config"].get("dataset", {})) for trial in results.trials)
    names = names or dict.fromkeys(f"'{name}'" for name in sorted(videos.dataset.unique()))
    counts = f"{plural(len(videos), 'video')}, {plural(len(objects), 'object')}, {frames}"
    return join(f"Measured on {' and '.join(names)}: {counts}.", incomplete(results))


def incomplete(results: Results) -> str:
    """Return which trials of the study are missing; empty if none is."""
    return f"INCOMPLETE, not measured: {'; '.join(results.missing)}." if results.missing else ""


def dataset_name(config: Mapping[str, Any]) -> str:
    """Return a dataset in words, built-in or real."""
    split = f" ({config['split']})" if config.get("split") else ""
    match config.get("name"):
        case "synthetic":
            return f"the built-in synthetic videos{split}"
        case "davis":
            return f"real video, DAVIS-{config.get('year', 2017)}{split}"
        case "folder":
            return f"real video in the folder '{Path(str(config.get('root', ''))).name}'"
        case name:
            return f"{name or 'an unnamed dataset'}{split}"


def network(results: Results) -> str:
    """Return which weights every case ran with, and at what size."""
    weights = {
        case: weights_name(results.config(case).get("weights")) for case in dict.fromkeys(results.rows.case)
    }
    if not any(weights.values()):
        return ""
    common = max(dict.fromkeys(weights.values()), key=list(weights.values()).count)
    others = [f"{style.label(case)}: {name}" for case, name in weights.items() if name != common]
    sides = sorted({side for trial in results.trials for side in settings(trial["config"], "max_side")})
    size = f", longer side at most {' or '.join(map(str, sides))} px" if sides else ""
    exceptions = f" ({'; '.join(others)})" if others else ""
    return join(f"Weights: {common}{exceptions}{size}.", unlike_paper(results))


def unlike_paper(results: Results) -> str:
    """Return in what the networks of the study depart from the paper's, as far as their weights files are here."""
    used = {
        (name, (trial.get("identity") or {}).get("weights", {}).get(Path(name).stem))
        for trial in results.trials
        for name in weights_names(trial["config"].get("weights"))
    }
    said: dict[str, list[str]] = {}
    for name, digest in sorted(used, key=str):
        said.setdefault(departures(name, digest), []).append(Path(name).stem)
    parts = [(f"{' and '.join(names)}: " if len(said) > 1 else "") + words for words, names in said.items() if words]
    return f"Unlike the paper's network: {'; '.join(parts)}." if parts else ""


def weights_name(weights: str | Sequence[str] | None) -> str:
    """Return the stem of a weights file, or of several joined by "+"; a trained trial's file by the trial's name."""
    paths = [Path(name) for name in weights_names(weights)]
    return " + ".join(path.parent.name if path.stem == "weights" else path.stem for path in paths)


def weights_names(weights: str | Sequence[str] | None) -> list[str]:
    """Return the setting `weights` as a list: one name, several of an ensemble, or none."""
    return [weights] if isinstance(weights, str) else list(weights or ())


def measure(metric: str) -> str:
    """Return how G is made; empty for J&F."""
    alike = "G: the mean of J and F over objects of seen and of unseen categories, both with half the weight"
    return f"{alike}; J&F would weigh all objects alike." if metric == "G" else ""


def unlike_g(results: Results) -> str:
    """Return how the J&F of a figure differs from the score of the tables beside it; empty where that is J&F, too."""
    if metric_name(results.rows) != "G":
        return ""
    return "J&F weighs all objects alike; the G of the tables gives seen and unseen categories half the weight each."


def seeds(table: pd.DataFrame) -> str:
    """Return how many seeds stand behind the numbers of a comparison (`cases.compare`)."""
    several = table[table.n_seeds > 1]
    if several.empty:
        return "One seed each: how far trainings of one network differ is in no interval here."
    names = ", ".join(f"{style.label(str(row.case))} {int(row.n_seeds)}" for row in several.itertuples())
    return f"Seeds: {names}, others one; ± is the standard deviation over seeds."


def test(table: pd.DataFrame, baseline: str) -> str:
    """Return how differences, intervals and p values of a comparison were made."""
    return (
        f"Difference: to {baseline}, paired by object; in brackets the 95 % interval of a bootstrap over videos; "
        f"p: sign-flip permutation over videos{_corrected(int(table.p.notna().sum()))}. "
        "Kept: share of frames that entered memory by the keep rule; bank: frames read, on average; n: videos."
    )


def _corrected(comparisons: int) -> str:
    return f", Holm-corrected over the {comparisons} comparisons" if comparisons > 1 else ""


def small_sample(table: pd.DataFrame) -> str:
    """Return what so few videos cannot show; empty when there are enough."""
    compared = table[table.difference.notna()]
    if compared.empty or (n := int(compared.n_videos.min())) >= FEW_VIDEOS:
        return ""
    few = f"{plural(n, 'video')} {'is' if n == 1 else 'are'} too few"
    smallest = min(1.0, 2.0 ** (1 - n) * len(compared))
    corrected = "corrected " if len(compared) > 1 else ""
    if n < FEWEST_VIDEOS:
        chance = f"{few} to tell any difference from chance: no {corrected}p can fall below {smallest:.2g}"
        return f"{chance}, and a bootstrap over so few videos is no interval to rely on."
    half = float(((compared.high - compared.low) / 2).median())
    text = f"{few} for small effects: the typical interval is ±{fixed(half)}"
    text += ", and a smaller difference cannot be told from zero"
    return f"{text}; no {corrected}p can fall below {smallest:.2g}." if smallest > 0.05 else f"{text}."


def join(*sentences: str) -> str:
    """Return the sentences that are not empty as one paragraph."""
    return " ".join(sentence for sentence in sentences if sentence)


def plural(number: int, noun: str) -> str:
    """Return "1 video", "2 videos"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
