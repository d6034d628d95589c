"""A model card says what the file is, what it was made from and what it reaches."""

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import save_file

from qpm.weights.card import render_card, write_card

CARD = """\
# Model card: `small`

A network for this test.

| | |
|---|---|
| file | `small.safetensors`, 0.0 MB, F16 |
| parameters | 1,204 |
| SHA-256 | `{sha256}` |

## Made from

| source | licence | used for |
|---|---|---|
| DAVIS train | CC BY-NC 4.0 | clips |

The licence texts and credits are in `NOTICE.md`.

## Training

```
qpm run studies/train_small.yaml
```

Seed 7, 1,200 iterations in 42 minutes on 2 CPU cores; code at `abc123`.

Where it departs from the paper:

* Keys are compared by cosine.

## Results

J (region) and F (boundary) from 0 to 1, means over objects.

### By policy

10 real sequences.

| policy | objects | J&F | J | F |
|---|---:|---:|---:|---:|
| stm | 10 | 0.775 | 0.800 | 0.750 |

### By real sequence

Policy qpm.

| sequence | objects | J&F | J | F |
|---|---:|---:|---:|---:|
| goat | 1 | 0.825 | 0.850 | 0.800 |

### By attribute

Built-in val.

| attribute | objects | J&F | J | F |
|---|---:|---:|---:|---:|
| occlusion | 12 | 0.450 | 0.400 | 0.500 |
| out_of_view | 1 | – | – | – |

## Quality of the score

Over the frames that show the object. Spearman: rank correlation of the score with the true IoU, the mean over videos. \
AUROC: of finding the masks with IoU below 0.5.

| data | score | Spearman | AUROC |
|---|---|---:|---:|
| built-in val | `score_raw` | 0.550 | 0.812 |

## Limits

* Loses small objects.
"""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "small.safetensors"
    save_file({"a": np.zeros((4, 3, 10, 10), np.float16), "b": np.zeros(4, np.float16)}, file)
    return file


@pytest.fixture
def facts() -> dict[str, Any]:
    nan = float("nan")
    return {
        "summary": "A network for this test.",
        "sources": [{"name": "DAVIS train", "licence": "CC BY-NC 4.0", "used_for": "clips"}],
        "training": {
            "command": "qpm run studies/train_small.yaml",
            "commit": "abc123",
            "seed": 7,
            "iterations": 1200,
            "minutes": 42.3,
            "machine": "2 CPU cores",
        },
        "departures": ["Keys are compared by cosine."],
        "policies": table("10 real sequences.", ("stm", 10, 0.8, 0.75)),
        "sequences": table("Policy qpm.", ("goat", 1, 0.85, 0.8)),
        "attributes": table("Built-in val.", ("occlusion", 12, 0.4, 0.5), ("out_of_view", 1, nan, nan)),
        "score_quality": [{"data": "built-in val", "score": "score_raw", "spearman": 0.55, "auroc": 0.812}],
        "limits": ["Loses small objects."],
    }


def table(conditions: str, *groups: tuple[str, int, float, float]) -> dict[str, Any]:
    named = [dict(zip(("name", "objects", "j", "f"), group, strict=True)) for group in groups]
    return {"conditions": conditions, "groups": named}


def test_the_card_reads_like_this(weights: Path, facts: dict[str, Any]) -> None:
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert render_card(weights, facts) == CARD.format(sha256=sha256)


def test_the_card_lies_beside_the_weights(weights: Path, facts: dict[str, Any]) -> None:
    card = write_card(weights, facts)
    assert card == weights.with_name("small.md")
    assert card.read_bytes() == render_card(weights, facts).encode()


def test_a_network_like_the_papers_has_no_list_of_departures(weights: Path, facts: dict[str, Any]) -> None:
    assert "departs" not in render_card(weights, {**facts, "departures": []})


@pytest.mark.parametrize(
    "missing", ["sources", "training", "attributes", "sequences", "score_quality", "limits"]
)
def test_a_card_is_not_written_without(weights: Path, facts: dict[str, Any], missing: str) -> None:
    del facts[missing]
    with pytest.raises(ValidationError, match=f"{missing}\n  Field required"):
        write_card(weights, facts)
    assert not weights.with_suffix(".md").exists()


def test_an_unknown_fact_is_refused(weights: Path, facts: dict[str, Any]) -> None:
    wrong = copy.deepcopy(facts)
    wrong["training"]["hours"] = 1
    with pytest.raises(ValidationError, match="training.hours\n  Extra inputs are not permitted"):
        render_card(weights, wrong)
