"""Segment a video of one's own: open it with its given masks, write masks and scores, and tell what happened."""

from qpm.segment.clip import annotated
from qpm.segment.course import Course
from qpm.segment.save import save, score_rows
from qpm.segment.source import frame_rate, open_video, vanishing

__all__ = ["Course", "annotated", "frame_rate", "open_video", "save", "score_rows", "vanishing"]
