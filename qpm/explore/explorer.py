"""The explorer: choose study, case, video, object and frame; click a pixel to see where it read the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from ipympl.backend_nbagg import Canvas, FigureManager
from matplotlib.axes import Axes
from matplotlib.backend_bases import Event, MouseEvent
from matplotlib.figure import Figure

from qpm.explore.panels import draw
from qpm.explore.view import View, look
from qpm.inference import resolve
from qpm.inference.replay import Replay
from qpm.report import numbers, style, timeline
from qpm.report.load import Results, load, study_folder
from qpm.study.config import TrialConfig
from qpm.study.setup import Setup


class Explorer(widgets.VBox):
    """Widgets around one `View`; everything that is seen is computed from the trial's configuration, frame by frame.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>`` with finished trials; the studies beside it can be chosen too.
    case, sequence : str, optional
        What to show first; by default the first there is.
    frame : int, optional
        By default the middle of the video.
    """

    def __init__(self, study_dir: Path, case: str = "", sequence: str = "", frame: int | None = None) -> None:
        study_dir = study_folder(study_dir)
        self._ready = False
        self._axes: Axes | None = None
        self._setups: dict[str, Setup] = {}
        self.study = _menu("study", _studies(study_dir), study_dir.name)
        self.case, self.sequence, self.object = _menu("case"), _menu("video"), _menu("object")
        self.frame = widgets.IntSlider(description="frame", continuous_update=False, layout={"width": "60%"})
        self.row = widgets.BoundedIntText(description="pixel row", layout={"width": "160px"})
        self.column = widgets.BoundedIntText(description="column", layout={"width": "160px"})
        self.status, self.entries = widgets.HTML(), widgets.HTML()
        self._folder = study_dir.parent
        self.figure = Figure(figsize=(8.6, 7.0), layout="constrained")
        self.canvas = Canvas(self.figure)
        FigureManager(self.canvas, 0)
        self.canvas.header_visible = False
        self.canvas.toolbar_visible = False  # a click chooses a pixel; it does not zoom
        self.canvas.mpl_connect("button_press_event", self._clicked)
        choices = widgets.HBox([self.study, self.case, self.sequence, self.object])
        place = widgets.HBox([self.frame, self.row, self.column])
        super().__init__([choices, place, self.status, self.canvas, self.entries])
        self._study_chosen(case, sequence, frame)
        self._follow(self._study_chosen, self.study)
        self._follow(self._case_chosen, self.case)
        self._follow(self._sequence_chosen, self.sequence)
        self._follow(self.show, self.object, self.frame, self.row, self.column)

    def view(self) -> View:
        """Look into the frame that is chosen; runs the loop up to it."""
        pixel = (self.row.value, self.column.value)
        return look(self.replay, self.frame.value, self.object.value, pixel)

    def pick(self, row: int, column: int) -> None:
        """Choose a pixel, as a click on the frame does."""
        self._ready = False
        self.row.value, self.column.value = row, column
        self._ready = True
        self.show()

    def show(self) -> None:
        """Draw what is chosen."""
        self.status.value = f"segmenting {self.sequence.value} up to frame {self.frame.value} …"
        view = self.view()
        with style.theme():
            self.figure.clear()
            history = timeline.prepare(self.results.rows, self.case.value, self.sequence.value)
            self._axes = draw(self.figure, view, history, timeline.gates(self.results, self.case.value))
        self.canvas.draw_idle()
        self.status.value = self._said(view)
        words = {"score": view.entries.score.map(numbers.fixed), "read": view.entries["read"].map(numbers.share)}
        self.entries.value = view.entries.assign(**words).to_html(index=False, border=0)

    def _follow(self, act: Callable[[], None], *menus: widgets.Widget) -> None:
        """Act when somebody chooses; not when a choice fills the menus that depend on it."""
        for menu in menus:
            menu.observe(lambda _: act() if self._ready else None, names="value")

    @property
    def results(self) -> Results:
        """The rows and records of the study that is chosen."""
        return self._results

    def _study_chosen(self, case: str = "", sequence: str = "", frame: int | None = None) -> None:
        self._ready = False
        self._results = load(self._folder / self.study.value)
        _offer(self.case, list(dict.fromkeys(self._results.rows.case)), case)
        self._case_chosen(sequence, frame)

    def _case_chosen(self, sequence: str = "", frame: int | None = None) -> None:
        self._ready = False
        own = self._results.rows[self._results.rows.case == self.case.value]
        _offer(self.sequence, sorted(own.sequence.unique()), sequence or str(self.sequence.value or ""))
        self._sequence_chosen(frame)

    def _sequence_chosen(self, frame: int | None = None) -> None:
        self._ready = False
        self.replay = self._replay()
        indices, (height, width) = self.replay.indices, self.replay.video.size
        _offer(self.object, list(self.replay.video.object_ids), self.object.value)
        self.frame.min, self.frame.max = 0, indices[-1]  # in this order no bound passes the other
        self.frame.min = indices[0]
        self.frame.value = indices[len(indices) // 2] if frame is None else frame
        self.row.max, self.column.max = height - 1, width - 1
        self.row.value, self.column.value = height // 2, width // 2
        self._ready = True
        self.show()

    def _replay(self) -> Replay:
        """The loop over the chosen video, with network, size and precision of the trial."""
        config = TrialConfig.model_validate(self._results.config(self.case.value))
        shared = config.model_dump_json(include={"dataset", "weights", "inference"})
        setup = self._setups.setdefault(shared, Setup(config))
        video = setup.dataset[setup.dataset.names().index(self.sequence.value)]
        loop = setup.loop(video)
        policy = resolve(config.policy, setup.network, video, seed=config.seed, **loop)
        return Replay(setup.network, video, policy, **loop)

    def _said(self, view: View) -> str:
        """One line about the frame: score, true IoU, what was kept and what guided it."""
        rows = self._results.rows
        own = rows[(rows.case == self.case.value) & (rows.sequence == self.sequence.value)]
        own = own[(own.frame_index == view.index) & (own.object_id == view.object_id)]
        result = self.replay.step(view.index).result
        parts = [f"<b>{self.sequence.value}</b>, frame {view.index}, object {view.object_id}"]
        if len(own):
            score, iou = (numbers.fixed(float(own[name].iloc[0]), 2) or "none" for name in ("score", "iou_true"))
            parts.append(f"score {score}, true IoU {iou}")
        parts.append(f"kept by: {', '.join(result.memorized) or 'nobody'}")
        prior = result.prior_frame
        parts.append("no prior" if prior is None else f"prior: mask of frame {prior}")
        return " · ".join(parts)

    def _clicked(self, event: Event) -> None:
        if isinstance(event, MouseEvent) and event.inaxes is self._axes and event.ydata is not None:
            self.pick(round(event.ydata), round(event.xdata or 0))


def _studies(study_dir: Path) -> list[str]:
    """Studies beside this one that have a finished trial."""
    return sorted({path.parents[2].name for path in study_dir.parent.glob("*/trials/*/rows.parquet")})


def _menu(words: str, options: Sequence[Any] = (), value: Any = None) -> widgets.Dropdown:
    return widgets.Dropdown(description=words, options=options, value=value, layout={"width": "24%"})


def _offer(menu: widgets.Dropdown, options: Sequence[Any], wanted: Any) -> None:
    """Give a menu new options; the wanted one is chosen if it is among them, else the first."""
    menu.options = options
    menu.value = wanted if wanted in options else options[0]
