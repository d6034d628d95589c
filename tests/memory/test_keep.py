"""Which frames are kept: Eq. 3 and the schedules around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpm.memory import AllOf, Always, AnyOf, EveryN, Frames, Never, OracleGate, QualityGate, Threshold
from tests.memory.scripted import NAN, frame, kept

SCORES = st.lists(st.floats(0, 1.5) | st.just(NAN), min_size=1, max_size=60)


def test_every_fifth_frame_after_the_annotated_one_is_kept() -> None:
    assert kept(EveryN(), scores=[0.1] * 16) == [5, 10, 15]


def test_a_rejected_due_frame_leaves_the_slot_open_for_the_next() -> None:
    assert kept(QualityGate(n=5), scores=[0.9, 0.9, 0.9, 0.9, 0.3, 0.9]) == [6]


def test_the_count_restarts_at_the_frame_that_was_kept() -> None:
    late = [0.9] * 4 + [0.3, 0.3, 0.9] + [0.9] * 5
    assert kept(QualityGate(n=5), scores=late) == [7, 12]


def test_on_a_grid_a_rejected_frame_closes_the_slot() -> None:
    late = [0.9] * 4 + [0.3] + [0.9] * 7
    assert kept(QualityGate(n=5, cadence="grid"), scores=late) == [10]


def test_an_annotated_frame_restarts_both_cadences() -> None:
    for cadence in ("since_kept", "grid"):
        assert kept(EveryN(n=5, cadence=cadence), scores=[0.9] * 16, annotated=(0, 8)) == [5, 13]


@given(SCORES)
def test_without_rejections_the_two_cadences_are_one(scores: list[float]) -> None:
    assert kept(EveryN(n=4), scores) == kept(EveryN(n=4, cadence="grid"), scores)


@given(SCORES, st.integers(1, 7), st.floats(0, 1))
def test_the_gate_keeps_only_frames_above_sigma_at_least_n_apart(
    scores: list[float], n: int, sigma: float
) -> None:
    frames = kept(QualityGate(n=n, sigma_m=sigma), scores)
    assert all(scores[index - 1] > sigma for index in frames)
    assert all(later - earlier >= n for earlier, later in zip([0, *frames], frames, strict=False))


@given(SCORES, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_higher_threshold_never_keeps_more_frames(scores: list[float], sigma: float, more: float) -> None:
    assert len(kept(QualityGate(sigma_m=sigma + more), scores)) <= len(
        kept(QualityGate(sigma_m=sigma), scores)
    )


@pytest.mark.parametrize(("score", "answer"), [(0.6999, False), (0.7, False), (0.7001, True), (NAN, False)])
def test_the_comparison_with_sigma_m_is_strict(score: float, answer: bool) -> None:
    assert QualityGate(sigma_m=0.7)(frame(score=score)) is answer
    assert OracleGate(sigma_m=0.7)(frame(score=score)) is answer


def test_an_undefined_score_is_kept_only_on_request() -> None:
    assert not QualityGate()(frame(score=NAN))
    assert QualityGate(missing="keep")(frame(score=NAN))
    assert not QualityGate(missing="keep")(frame(score=0.1))


def test_the_frame_score_is_the_mean_over_objects_unless_said_otherwise() -> None:
    two = frame(score=(0.5, 0.95))
    assert QualityGate(sigma_m=0.7)(two)
    assert not QualityGate(sigma_m=0.7, over="min")(two)
    assert QualityGate(sigma_m=0.9, over="any")(two)


def test_an_object_that_is_not_in_the_frame_has_no_say_in_the_frame_score() -> None:
    signals = {"score": (0.9, 0.0), "presence": (0.99, 0.3)}
    assert QualityGate()(frame(score=(0.9, 0.0), signals=signals))
    assert not QualityGate()(frame(score=(0.9,), signals={"score": (0.9,), "presence": (0.2,)}))


def test_a_threshold_is_open_on_both_sides() -> None:
    band = Threshold(signal="area_ratio", above=0.8, below=1.2)
    assert [band(frame(score=value)) for value in (0.8, 0.81, 1.19, 1.2, NAN)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_threshold_needs_a_bound() -> None:
    with pytest.raises(ValueError, match="no bound: give above, below, or both"):
        Threshold(signal="score")


def test_listed_frames_are_kept_and_no_others() -> None:
    assert kept(Frames(frames=(2, 3, 9)), scores=[0.0] * 10) == [2, 3, 9]


def test_parts_are_combined_as_their_names_say() -> None:
    due, good = EveryN(n=3), Threshold(signal="score", above=0.5)
    scores = [0.9, 0.1, 0.1, 0.9, 0.9, 0.9]
    assert kept(AllOf(rules=(due, good)), scores) == [4]
    assert kept(AnyOf(rules=(due, good)), scores) == [1, 4, 5, 6]
    assert kept(AllOf(rules=(Always(), Never())), scores) == []


def test_parts_that_decide_per_object_do_not_mix_with_parts_that_decide_per_frame() -> None:
    each, mean = Threshold(signal="score", above=0.5, over="each"), Threshold(signal="presence", above=0.5)
    with pytest.raises(ValueError, match="mixes rules per object"):
        AllOf(rules=(each, mean))
    assert AllOf(rules=(EveryN(), each)).per_object


def test_a_signal_that_was_not_computed_is_an_error_and_not_a_refusal() -> None:
    with pytest.raises(ValueError, match="signal 'score' was not computed"):
        QualityGate()(frame(signals={"presence": (1.0,)}))
