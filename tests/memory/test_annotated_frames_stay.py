"""Whatever the scores and the capacity, an annotated frame is never evicted."""

import math

from hypothesis import given
from hypothesis import strategies as st

from qpm.memory import FrameMemory, FrameState, MemoryPolicy
from qpm.memory.bank import Bank

SCORES = st.lists(
    st.tuples(st.one_of(st.floats(0, 2), st.just(math.nan)), st.integers(0, 9).map(lambda n: n == 0)),
    min_size=1,
    max_size=60,
)  # of each frame, and whether a mask is given there
EVICT = st.sampled_from(["oldest", "lowest", "score_and_recency", "random"])


@given(frames=SCORES, rule=EVICT, capacity=st.integers(1, 6), hold_previous=st.booleans(), n=st.integers(1, 5))
def test_an_annotated_frame_never_leaves_and_the_shelf_never_grows_beyond_its_capacity(
    frames, rule, capacity, hold_previous, n
):
    policy = MemoryPolicy.model_validate(
        {
            "keep": {"rule": "quality_gate", "sigma_m": 0.5, "n": n},
            "hold_previous": hold_previous,
            "capacity": capacity,
            "evict": {"rule": rule},
        }
    )
    bank, annotated = Bank(), []
    for index, (score, given_here) in enumerate(frames):
        memory = FrameMemory(index, (1,), ())
        if given_here or index == 0:
            bank = bank.annotate(policy, memory)
            annotated.append(index)
        else:
            state = FrameState((1,), {"score": (score,), "score_raw": (score,)}, index)
            bank, _ = bank.offer(policy, state, memory)
        assert list(bank.shelf("annotated")) == annotated
        assert set(annotated) <= set(bank.frames([1]))
        assert len(bank.frames([1])) <= len(annotated) + capacity + hold_previous
