"""The commands as a user meets them: help with an example, tables on stdout, JSON for programs, one-line refusals."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from qpm import images
from qpm.cli import app

STUDIES = Path(__file__).resolve().parents[2] / "studies"
FILES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(STUDIES.glob("*.yaml"))
}
EVALUATIONS = [name for name, content in FILES.items() if content.get("notebook", "evaluate") == "evaluate"]


def qpm(*arguments: object):
    """Run the `qpm` command inside this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def every_command() -> list[tuple[str, ...]]:
    group = typer.main.get_command(app)
    names = []
    for name, command in group.commands.items():
        names += [(name, inner) for inner in command.commands] if hasattr(command, "commands") else [(name,)]
    return names


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command):
    result = qpm(*command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"qpm {' '.join(command)}" in result.stdout


@pytest.mark.parametrize(
    ("kind", "member"),
    [("policies", "quality_gated"), ("datasets", "synthetic"), ("networks", "half")],
)
def test_what_can_be_chosen_is_listed(kind, member):
    result = qpm("list", kind, "--json")
    assert result.exit_code == 0
    assert member in [next(iter(row.values())) for row in json.loads(result.stdout)]


def test_weights_are_listed_with_their_cards():
    from qpm import weights

    rows = json.loads(qpm("list", "weights", "--json").stdout)
    assert [row["weights"] for row in rows] == list(weights.shipped())
    assert all(row["card"].endswith(f"{row['weights']}.md") for row in rows)


def test_studies_are_listed_with_their_question(repository, monkeypatch):
    monkeypatch.chdir(repository)
    rows = {row["study"]: row for row in json.loads(qpm("list", "studies", "--json").stdout)}
    assert rows["studies/quickstart.yaml"]["question"].endswith("?")


def test_a_list_is_a_table_on_stdout_and_nothing_else():
    result = qpm("list", "datasets")
    assert result.stdout.splitlines()[0].split()[:2] == ["dataset", "what"]
    assert result.stderr == ""


def test_one_study_that_cannot_be_rendered_does_not_keep_the_others_from_it(repository, monkeypatch, tmp_path):
    monkeypatch.chdir(repository)
    wanted = [f"studies/{name}.yaml" for name in ("ablation", "table2", "table1")]
    result = qpm("render", *wanted, "--results", tmp_path)
    assert result.exit_code == 1, result.output
    assert "studies/ablation.yaml:\nerror: no finished trial" in result.stderr
    assert {page.parent.name for page in tmp_path.glob("*/index.html")} == {"table1", "table2"}


def test_the_doctor_names_versions_device_and_weights():
    result = qpm("doctor", "--json")
    parts = {row["part"]: row for row in json.loads(result.stdout)}
    assert {"python", "torch", "device", "precision", "memory", "disk", "QPM_DATA"} <= parts.keys()
    assert result.exit_code == (1 if any(row["state"] == "broken" for row in parts.values()) else 0)


@pytest.mark.parametrize("study", EVALUATIONS)
def test_the_schema_accepts_the_shipped_studies(study):
    jsonschema.validate(FILES[study], json.loads(qpm("schema").stdout))


def test_the_schema_refuses_a_misspelt_setting():
    schema = json.loads(qpm("schema").stdout)
    content = FILES["quickstart"] | {"base": FILES["quickstart"]["base"] | {"wieghts": "half"}}
    with pytest.raises(jsonschema.ValidationError, match="wieghts"):
        jsonschema.validate(content, schema)


REFUSED = [
    (("list", "polices"), "did you mean 'policies'"),
    (("run", "studies/quikstart.yaml"), "quikstart"),
    (("run", "studies/quickstart.yaml", "--set", "base.dataset.vidoes=2"), "did you mean 'videos'"),
    (("run", "studies/quickstart.yaml", "--set", "nonsense"), "key=value"),
    (("status", "nowhere.yaml"), "nowhere.yaml"),
    (("render", "nowhere.yaml"), "nowhere.yaml"),
    (("ui", "--results", "nowhere"), "does not exist"),
    (("datasets", "check", "davis", "--root", "/nowhere"), "/nowhere"),
    (("datasets", "check", "daviss"), "did you mean 'davis'"),
    (("segment", "nowhere.mp4", "--mask", "m.png", "--out", "o"), "nowhere.mp4"),
    (("segment", "nowhere", "--mask", "m.png", "--out", "o", "--policy", "qpn"), "did you mean 'qpm'"),
    (("segment", "nowhere", "--mask", "m.png", "--out", "o", "--policy", "{oops"), "--policy"),
    (("segment", "nowhere", "--mask", "m.png"), "--out"),
    (("score", "--gt", "/nowhere", "--pred", "/nowhere", "--protocol", "davis2017"), "/nowhere"),
]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    REFUSED,
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_refused_in_a_line_that_helps(arguments, expected, repository, monkeypatch):
    monkeypatch.chdir(repository)
    result = qpm(*arguments)
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


@pytest.fixture
def masks(tmp_path) -> Path:
    """A truth of one video and five frames, a copy of it, and a prediction that lost the object in one frame."""
    labels = np.zeros((20, 20), dtype=np.uint8)
    labels[5:15, 5:15] = 1
    for name, lost in (("truth", ()), ("perfect", ()), ("worse", (2,))):
        (tmp_path / name / "bear").mkdir(parents=True)
        for index in range(5):
            frame = labels * 0 if index in lost else labels
            images.write_labels(tmp_path / name / "bear" / f"{index:05d}.png", frame)
    return tmp_path


def test_a_perfect_prediction_scores_one_and_goes_to_json_and_csv(masks):
    result = qpm(
        *("score", "--gt", masks / "truth", "--pred", masks / "perfect", "--protocol", "davis2017"),
        *("--json", masks / "scores.json", "--csv", masks / "scores.csv", "--per-frame"),
    )
    assert result.exit_code == 0, result.stderr
    answer = json.loads((masks / "scores.json").read_text())
    assert answer["global"]["J&F"] == 1.0
    assert len(answer["frames"]) == 3  # without the first and the last
    assert (masks / "scores.csv").read_text().splitlines()[1].startswith("bear,1,1.0")


def test_two_predictions_are_for_compare(masks):
    folders = ("--pred", masks / "worse", "--pred", masks / "perfect")
    result = qpm("score", "--gt", masks / "truth", *folders, "--protocol", "davis2017")
    assert result.exit_code == 2 and result.stdout == ""
    assert f"qpm compare {masks / 'worse'} {masks / 'perfect'} --gt {masks / 'truth'}" in result.stderr


def test_a_mask_that_is_missing_stops_the_scoring(masks):
    (masks / "worse" / "bear" / "00001.png").unlink()
    result = qpm("score", "--gt", masks / "truth", "--pred", masks / "worse", "--protocol", "davis2017")
    assert result.exit_code == 2
    assert "00001.png is missing" in result.stderr
