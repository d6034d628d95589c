"""Memory policies: what is remembered (Eq. 3), what enhances the query (Eq. 4), and who leaves. No tensors."""

from qpm.memory.bank import Bank, Entry, FrameMemory, Track
from qpm.memory.combine import AllOf, AnyOf
from qpm.memory.evict import Lowest, Oldest, RandomEviction, ScoreAndRecency
from qpm.memory.keep import Always, EveryN, Frames, Never, OracleGate, QualityGate, Threshold
from qpm.memory.policy import ANNOTATED, MemoryPolicy, Shelf
from qpm.memory.presets import PRESETS
from qpm.memory.prior import First, NoPrior, OraclePrior, Previous, Selective
from qpm.memory.random_gate import RandomGate
from qpm.memory.rule import EvictRule, KeepRule, PriorRule, Rule
from qpm.memory.signals import SIGNALS
from qpm.memory.state import EntryState, FrameState

KEEP_RULES: dict[str, type[KeepRule]] = {
    "always": Always,
    "never": Never,
    "every_n": EveryN,
    "quality_gate": QualityGate,
    "oracle_gate": OracleGate,
    "random_gate": RandomGate,
    "frames": Frames,
    "threshold": Threshold,
    "all_of": AllOf,
    "any_of": AnyOf,
}

PRIOR_RULES: dict[str, type[PriorRule]] = {
    "none": NoPrior,
    "previous": Previous,
    "first": First,
    "selective": Selective,
    "oracle": OraclePrior,
}

EVICT_RULES: dict[str, type[EvictRule]] = {
    "oldest": Oldest,
    "score_and_recency": ScoreAndRecency,
    "lowest": Lowest,
    "random": RandomEviction,
}

__all__ = [
    "ANNOTATED",
    "EVICT_RULES",
    "KEEP_RULES",
    "PRESETS",
    "PRIOR_RULES",
    "SIGNALS",
    "AllOf",
    "Always",
    "AnyOf",
    "Bank",
    "Entry",
    "EntryState",
    "EveryN",
    "EvictRule",
    "First",
    "FrameMemory",
    "FrameState",
    "Frames",
    "KeepRule",
    "Lowest",
    "MemoryPolicy",
    "Never",
    "NoPrior",
    "Oldest",
    "OracleGate",
    "OraclePrior",
    "Previous",
    "PriorRule",
    "QualityGate",
    "RandomEviction",
    "RandomGate",
    "Rule",
    "ScoreAndRecency",
    "Selective",
    "Shelf",
    "Threshold",
    "Track",
]
