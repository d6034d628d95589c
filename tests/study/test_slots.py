"""How many trials run at once, and which GPU each sees."""

from __future__ import annotations

import pytest

from qpm.provenance import available_cpus
from qpm.study.slots import CPU, gpus, listed_gpus, places

PLENTY = 1e12  # bytes
LISTING = """GPU 0: NVIDIA A100 (UUID: GPU-aaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-a1)
  MIG 3g.20gb     Device  1: (UUID: MIG-a2)
GPU 1: NVIDIA A100 (UUID: GPU-bbb)
"""


def test_without_a_gpu_cores_and_memory_make_the_room() -> None:
    assert places(0, 1, None, (), PLENTY) == [CPU] * available_cpus()
    assert places(0, 1, None, (), 1.0) == [CPU]  # little memory: one at a time
    assert places(3, 1, None, (), 1.0) == [CPU] * 3  # who asks for three gets three
    assert places(3, 1, 2, (), PLENTY) == [CPU] * 2


def test_every_gpu_is_used_once_before_any_is_shared() -> None:
    assert places(0, 1, None, ("0", "1"), PLENTY) == ["0", "1"]
    assert places(0, 2, None, ("0", "1"), PLENTY) == ["0", "1", "0", "1"]
    assert places(3, 2, None, ("0", "1"), PLENTY) == ["0", "1", "0"]
    assert places(0, 2, 1, ("0", "1"), PLENTY) == ["0"]


def test_more_jobs_than_fit_on_the_gpus_are_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="--jobs 3: 2 GPU x 1 a GPU is 2; --per-gpu"):
        places(3, 1, None, ("0", "1"), PLENTY)


def test_only_the_gpus_that_this_process_may_use_are_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, names in (("2,3", ("2", "3")), ("", ()), ("-1", ()), ("GPU-aaa", ("GPU-aaa",))):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
        assert gpus() == names


def test_a_divided_gpu_counts_by_its_parts() -> None:
    assert listed_gpus(LISTING) == ("MIG-a1", "MIG-a2", "GPU-bbb")
    assert listed_gpus("") == ()
