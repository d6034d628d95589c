"""The MLflow mirror of a study, for browsing and comparing. The only module that imports mlflow.

Tables are never computed from it. The host creates every run and ends it, so that a status in MLflow is one that
somebody saw: a killed kernel leaves its run RUNNING, and a failed cell leaves it FINISHED, when notebooks own runs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

# Before the import: MLflow reads these once. DO_NOT_TRACK=1 would not be honoured.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from mlflow.entities import Dataset, DatasetInput, Metric, Param
from mlflow.tracking import MlflowClient

from qpm.study import locks

logging.getLogger("mlflow").setLevel(logging.WARNING)  # it reports the making of each of its tables

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
# The ledger's word for how a trial ended -> MLflow's.
ENDED = {"finished": "FINISHED", "superseded": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
MANY = 100  # params and tags in one request, at most
VALUE = 6000  # characters of a param's value, at most
MIRRORED = ("*.ipynb", "*.png", "pictures/*.png", "*.pdf", "*.csv", "*.md", "trial.json")


class Tracker:
    """Runs of one study in ``sqlite:///<results>/mlflow.db``: one parent a launch, one child a trial.

    Parameters
    ----------
    results : Path
        The folder of all studies; the database and the artifacts lie in it.
    study : str
        The experiment is ``qpm/<study>``.
    """

    def __init__(self, results: Path, study: str) -> None:
        self.results = results.resolve()
        self.study = study

    @cached_property
    def client(self) -> MlflowClient:
        self.results.mkdir(parents=True, exist_ok=True)
        return MlflowClient(f"sqlite:///{self.results / DATABASE}")

    @cached_property
    def experiment(self) -> str:
        """The experiment's id. Database and experiment are made once, under a lock: MLflow's own set-up races."""
        name = f"qpm/{self.study}"
        with locks.hold(self.results / f"{DATABASE}.lock", "the MLflow database", wait=True):
            found = self.client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            place = (self.results / ARTIFACTS / self.study).as_uri()
            return str(self.client.create_experiment(name, artifact_location=place))

    def start_launch(self, name: str, provenance: Mapping[str, Any], diff: str = "") -> str:
        """Open the parent run of one `qpm run`, with uncommitted changes as ``git.diff``; gives its id."""
        tags = {"mlflow.source.name": provenance["command"], "mlflow.source.type": "JOB"}
        run = self.client.create_run(self.experiment, run_name=name, tags=tags | _git_tags(provenance))
        self.client.log_dict(run.info.run_id, dict(provenance), "provenance.json")
        if diff:
            self.client.log_text(run.info.run_id, diff, "git.diff")
        return str(run.info.run_id)

    def start_trial(self, parent: str, name: str, trial: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
        """Open a trial's run with its settings as params; gives its id.

        Parameters
        ----------
        trial : mapping
            The ledger's record: "config", "identity", "hash".
        """
        config, identity = trial["config"], trial["identity"]
        tags = {
            "mlflow.parentRunId": parent,
            "mlflow.source.name": f"{config['notebook']}.ipynb",
            "mlflow.source.type": "NOTEBOOK",
            "qpm.study": self.study,
            "qpm.case": config["case"],
            "qpm.trial_hash": trial["hash"],
        }
        run = self.client.create_run(self.experiment, run_name=name, tags=tags | _git_tags(provenance))
        run_id = str(run.info.run_id)
        self._log_params(run_id, flat(config))
        inputs = [
            DatasetInput(Dataset(name=name, digest=digest[:36], source_type="local", source=name), [])
            for name, digest in identity["data"].items()
        ]
        self.client.log_inputs(run_id, inputs)
        return run_id

    def end_trial(self, run_id: str, status: str, folder: Path, metrics: Mapping[str, float], reason: str = "") -> None:
        """Mirror what the trial has written, then end its run."""
        self.log_metrics(run_id, [dict(metrics)])
        for path in sorted(path for pattern in MIRRORED for path in folder.glob(pattern) if path.name[0] != "."):
            self.client.log_artifact(run_id, str(path))
        if reason:
            self.client.set_tag(run_id, "qpm.reason", reason[:VALUE])
        self.end(run_id, status)

    def log_metrics(self, run_id: str, steps: Iterable[Mapping[str, float]]) -> None:
        """Log one dictionary of metrics a step (its "step" key, else 0) in few requests; NaN is left out."""
        metrics = [
            Metric(metric_name(name), float(value), 0, int(step.get("step", 0)))
            for step in steps
            for name, value in step.items()
            if name != "step" and value == value
        ]
        for first in range(0, len(metrics), 1000):
            self.client.log_batch(run_id, metrics=metrics[first : first + 1000])

    def log_files(self, run_id: str, files: Iterable[Path], folder: str) -> None:
        """Add tables and figures to a run."""
        for path in files:
            self.client.log_artifact(run_id, str(path), folder)

    def end(self, run_id: str, status: str) -> None:
        """End a run with the ledger's word for how."""
        self.client.set_terminated(run_id, ENDED[status])

    def find(self, tag: str, value: str) -> str | None:
        """Id of this study's run with that tag, or None."""
        runs = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{value}'", max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def last_step(self, run_id: str, name: str) -> int:
        """The last step at which a run has that metric; -1 if it has none."""
        return max((metric.step for metric in self.client.get_metric_history(run_id, name)), default=-1)

    def running(self) -> list[str]:
        """Ids of this study's runs that say they are running."""
        runs = self.client.search_runs([self.experiment], "attributes.status = 'RUNNING'", max_results=1000)
        return [str(run.info.run_id) for run in runs]

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        entries = [Param(name, value[:VALUE]) for name, value in params.items()]
        for first in range(0, len(entries), MANY):
            self.client.log_batch(run_id, params=entries[first : first + MANY])


def flat(config: Any, prefix: str = "") -> dict[str, str]:
    """Settings as dotted names and texts: ``{"policy": {"n": 5}}`` gives ``{"policy.n": "5"}``."""
    if isinstance(config, Mapping) and config:
        parts = [flat(value, f"{prefix}.{name}" if prefix else str(name)) for name, value in config.items()]
    elif isinstance(config, list | tuple) and config:
        parts = [flat(value, f"{prefix}.{place}") for place, value in enumerate(config)]
    else:
        return {prefix: str(config)}
    return {name: value for part in parts for name, value in part.items()}


def metric_name(name: str) -> str:
    """A name that MLflow takes: it refuses the ampersand of J&F."""
    return name.replace("&", "_and_")


def _git_tags(provenance: Mapping[str, Any]) -> dict[str, str]:
    git = provenance["git"]
    if git["commit"] is None:
        return {}
    names = {"mlflow.source.git.commit": "commit", "mlflow.source.git.branch": "branch", "qpm.git.dirty": "dirty"}
    return {tag: str(git[name]) for tag, name in names.items()}
