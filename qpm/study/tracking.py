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

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.tracking import MlflowClient

from qpm.dotted import flat
from qpm.files import write_atomic
from qpm.study import environment, locks
from qpm.study.measures import per_sequence

logging.getLogger("mlflow").setLevel(logging.WARNING)  # it reports the making of each of its tables

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
# The ledger's word for how a trial ended -> MLflow's.
ENDED = {"finished": "FINISHED", "superseded": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
MANY = 100  # params and tags in one request, at most
VALUE = 6000  # characters of a param's value, at most
SCHEMA = "2"  # of the names below: tags, params, metrics, artifacts
KIND = {"mlflow.experimentKind": "custom_model_development"}  # opens on the runs, not on traces of agents
MIRRORED = ("*.ipynb", "*.png", "pictures/*.png", "*.pdf", "*.csv", "*.md", "trial.json")


class Tracker:
    """Runs of one study in ``sqlite:///<results>/mlflow.db``: one parent a launch, one child a trial.

    Parameters
    ----------
    results : Path
        The folder of all studies; the database and the artifacts lie in it.
    study : str
        The experiment is ``qpm/<study>``.
    note : str
        What MLflow shows above a launch: the study's question.
    """

    def __init__(self, results: Path, study: str, note: str = "") -> None:
        self.results = results.resolve()
        self.study = study
        self.note = note

    @cached_property
    def client(self) -> MlflowClient:
        database = self.results / DATABASE
        with locks.hold(self.results / f"{DATABASE}.lock", "the MLflow database", wait=True):
            if not database.exists():  # made aside: what a killed host leaves half made, MLflow refuses for ever
                for stale in self.results.glob(f".{Path(DATABASE).stem}.*.partial*"):
                    stale.unlink()
                write_atomic(database, lambda partial: MlflowClient(f"sqlite:///{partial}").search_experiments())
        return MlflowClient(f"sqlite:///{database}")

    @cached_property
    def experiment(self) -> str:
        """The experiment's id. Database and experiment are made once, under a lock: MLflow's own set-up races."""
        name, client = f"qpm/{self.study}", self.client
        with locks.hold(self.results / f"{DATABASE}.lock", "the MLflow database", wait=True):
            found = client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            place = (self.results / ARTIFACTS / self.study).as_uri()
            return str(client.create_experiment(name, artifact_location=place, tags=KIND))

    def start_launch(self, name: str, provenance: Mapping[str, Any], diff: str = "") -> str:
        """Open the parent run of one `qpm run`, with libraries and uncommitted changes as files; gives its id."""
        tags = {"mlflow.source.name": provenance["command"], "mlflow.source.type": "JOB", "qpm.study": self.study}
        tags |= {"mlflow.note.content": self.note} if self.note else {}
        run = self.client.create_run(self.experiment, run_name=name, tags=tags | _origin_tags(provenance))
        self.client.log_dict(run.info.run_id, dict(provenance), "provenance.json")
        self.client.log_text(run.info.run_id, environment.libraries(), "pip-freeze.txt")
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
        run = self.client.create_run(self.experiment, run_name=name, tags=tags | _origin_tags(provenance))
        run_id = str(run.info.run_id)
        self._log_params(run_id, {name: str(value) for name, value in flat(config)})
        context = [InputTag("mlflow.data.context", "training" if "training" in config else "validation")]
        inputs = [
            DatasetInput(Dataset(name=name, digest=digest[:36], source_type="local", source=name), context)
            for name, digest in identity["data"].items()
        ]
        self.client.log_inputs(run_id, inputs)
        return run_id

    def end_trial(self, run_id: str, status: str, folder: Path, metrics: Mapping[str, float], reason: str = "") -> None:
        """Mirror what the trial has written, pictures under ``figures/``, then end its run."""
        sequences = per_sequence(folder)
        self.log_metrics(run_id, [dict(metrics)], "" if sequences is None else "val/")
        if sequences is not None:
            self.client.log_table(run_id, sequences, "per_sequence.json")
        for path in sorted(path for pattern in MIRRORED for path in folder.glob(pattern)):
            if path.name[0] != "." and ".partial" not in path.name:  # what a stray that is being stopped half wrote
                self.client.log_artifact(run_id, str(path), "figures" if path.suffix in (".png", ".pdf") else None)
        if reason:
            self.client.set_tag(run_id, "qpm.reason", reason[:VALUE])
        self.end(run_id, status)

    def log_metrics(self, run_id: str, steps: Iterable[Mapping[str, float]], group: str = "") -> None:
        """Log one dictionary of metrics a step (its "step" key, else 0) in few requests; NaN is left out."""
        metrics = [
            Metric(metric_name(name, group), float(value), 0, int(step.get("step", 0)))
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

    def go_on(self, run_id: str) -> None:
        """Say that a run is running, however it ended before."""
        self.client.update_run(run_id, status="RUNNING")
        if "qpm.reason" in self.client.get_run(run_id).data.tags:
            self.client.delete_tag(run_id, "qpm.reason")

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


def metric_name(name: str, group: str = "") -> str:
    """A name that MLflow takes and groups: ``J&F``, which it refuses, and ``val_J&F`` become ``val/J_and_F``."""
    plain = name.replace("&", "_and_")
    return "val/" + plain.removeprefix("val_") if plain.startswith("val_") else group + plain


def _origin_tags(provenance: Mapping[str, Any]) -> dict[str, str]:
    git = provenance["git"]
    tags = {"qpm.schema_version": SCHEMA, "mlflow.user": environment.user()}
    if git["commit"] is not None:
        names = {"mlflow.source.git.commit": "commit", "mlflow.source.git.branch": "branch", "qpm.git.dirty": "dirty"}
        tags |= {tag: str(git[name]) for tag, name in names.items()}
        tags["mlflow.source.git.repoURL"] = environment.repository()
    return {name: value for name, value in tags.items() if value}
