"""Every command that the README shows is one that the program takes, word for word."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from qpm.cli import app
from qpm.memory import FrameState, MemoryPolicy
from qpm.study.spec import load_study

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^    (\S.*)$", README, flags=re.M)
SENTENCES = re.findall(r"`(qpm [^`]+)`", README)


def words(line: str) -> list[str]:
    """What follows `qpm` on a shell line; nothing on a line of another program."""
    command = re.sub(r"^([A-Z_]+=\S+ )*(\.venv/bin/|torchrun .*-m )?(?=qpm )", "", line)
    return shlex.split(command, comments=True)[1:] if command.startswith("qpm ") else []


def command_of(parts: list[str]) -> tuple[Any, list[str]]:
    """The command that some words name, also below a group such as `datasets`, and the words left for it."""
    command, rest = typer.main.get_command(app), list(parts)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"qpm {' '.join(parts)}: there is no '{rest[0]}'"
        command = command.commands[rest.pop(0)]
    return command, rest


COMMANDS = {" ".join(parts): parts for line in BLOCKS if (parts := words(line))}
STUDIES = [name for name in COMMANDS if "studies/" in name and "studies/mine.yaml" not in name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_taken_with_all_its_words(name):
    command, rest = command_of(COMMANDS[name])
    assert command.make_context(name, rest).params  # an unknown option or a value of the wrong kind raises


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_exists_and_takes_the_settings_that_are_shown(name):
    parts = COMMANDS[name]
    (study,) = (part for part in parts if part.startswith("studies/"))
    settings = [after for option, after in zip(parts, parts[1:], strict=False) if option == "--set"]
    assert load_study(ROOT / study, settings).name == Path(study).stem


def test_a_command_in_a_sentence_has_the_options_that_it_is_shown_with():
    assert len(SENTENCES) > 3
    for line in SENTENCES:
        command, rest = command_of(words(line))
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {part for part in rest if part.startswith("--")} <= known, line


def test_every_target_and_every_file_that_is_named_is_there():
    words_of = README + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = re.findall(r"(?:^    |`)make ([a-z ]+?)(?:  |`|\)| TESTS)", words_of, flags=re.M)
    assert len(named) > 3 and {target for line in named for target in line.split()} <= targets
    linked = re.findall(r"\]\(([\w./-]+)\)", words_of) + re.findall(r"`((?:qpm|studies|notebooks)/[\w./]+)`", words_of)
    missing = [path for path in linked if not (ROOT / path).exists() and path != "studies/mine.yaml"]
    assert len(linked) > 20 and missing == []
    assert all((ROOT / path).is_file() for path in re.findall(r"jupyter lab ([\w/]+\.ipynb)", README))


def test_results_that_are_called_committed_are():
    for folder in re.findall(r"committed in (results/\w+)", README):
        assert (ROOT / folder / "index.html").is_file(), folder


def test_the_policy_of_ones_own_is_one(tmp_path, monkeypatch):
    code, cases = (re.search(rf"```{form}\n(.*?)```", README, flags=re.S)[1] for form in ("python", "yaml"))
    (tmp_path / "mylab.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    policy = MemoryPolicy.model_validate(yaml.safe_load(cases)["cases"]["steady"]["policy"])
    previous, long = policy.shelves
    assert previous.name == "previous" and long.keep.overlap == 0.7
    moved = [FrameState(objects=(1,), since_kept=5, signals={"temporal_iou": (iou,)}) for iou in (0.6, 0.75)]
    assert [long.keep(frame) for frame in moved] == [False, True]


def test_the_words_of_a_line_are_those_after_the_program():
    assert words("QPM_DATA=/data qpm run a.yaml  # why") == ["run", "a.yaml"]
    assert words("torchrun --nproc-per-node 2 -m qpm train a.yaml") == ["train", "a.yaml"]
    assert words(".venv/bin/qpm run a.yaml") == ["run", "a.yaml"] and words("make demo") == []
