"""Many policies over one video for little more than the price of one, with the results that each has alone.

Two policies give a network the same until the first frame at which they read other frames or take another prior
(Eq. 4). So the runs form a tree: they share every evaluation up to there, and the query features all along.
"""

from qpm.inference.sweep.box import Box
from qpm.inference.sweep.cost import Cost
from qpm.inference.sweep.curve import Curve, Piece, pooled, threshold_curve
from qpm.inference.sweep.policies import Sweep, resolve_together, sweep

__all__ = ["Box", "Cost", "Curve", "Piece", "Sweep", "pooled", "resolve_together", "sweep", "threshold_curve"]
