"""Is this zip what the server expects? Every entry's place, every mask's size and ids."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qpm.metrics.scorer.decode import read_header, read_labels
from qpm.metrics.scorer.refusal import Refusal
from qpm.metrics.scorer.store import MaskStore, entry_fault, open_store
from qpm.submission.expected import FOLDER, Expected, Format

Progress = Callable[[int, int], None]


class NotExported(Refusal):
    """Names everything that a server would not accept."""

    outcome = "no submission"


@dataclass(frozen=True)
class Checked:
    """A submission without faults: what it holds, and what the reader should know."""

    sequences: int
    masks: int
    notes: tuple[str, ...] = ()


def check_zip(
    path: Path,
    form: Format,
    wanted: Mapping[str, Expected] | None,
    subset: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """Check a finished zip.

    Parameters
    ----------
    path : Path
        The zip.
    form : str
        "davis" (sequence folders at the top) or "youtube-vos" (below ``Annotations/``).
    wanted : mapping, optional
        Sequence -> what must be there; without it only the layout and the masks themselves are checked.
    subset : bool
        Missing sequences are noted, not refused.
    progress : callable, optional
        Called with the number of sequences done and of all.

    Raises
    ------
    NotExported
        Names every fault.
    """
    path = Path(path)
    if not zipfile.is_zipfile(path):
        raise NotExported([f"{path} is no zip" if path.exists() else f"{path} does not exist"])
    if faults := list(layout_faults(path, form)):
        raise NotExported(faults)
    return check_masks(open_store(path), wanted, subset, progress)


def layout_faults(path: Path, form: Format) -> Iterator[str]:
    """Entries of a zip that do not lie where the server looks for them."""
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    names = [entry.filename for entry in entries]
    if not names:
        yield f"{path}: the zip is empty"
    shape = f"{FOLDER[form]}<sequence>/<frame>.png"
    before = _wrapping(names, form)
    if before:
        yield f"{path}: everything lies in '{before}'; the server of {form} wants {shape} at the top of the zip"
        return
    for entry in entries:
        below = entry.filename.removeprefix(FOLDER[form])
        right = entry.filename == FOLDER[form] + below and len(PurePosixPath(below).parts) == 2
        right = right and below.endswith(".png")
        if fault := entry_fault(entry) or (
            "" if right and _is_plain(below) else f"is not of the form {shape}"
        ):
            yield f"{path}: '{entry.filename}' {fault}"


def check_masks(
    store: MaskStore,
    wanted: Mapping[str, Expected] | None,
    subset: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """Check the masks of a folder or zip, sequence by sequence; see `check_zip`."""
    faults: list[str] = []
    notes: list[str] = []
    if wanted is None:
        notes.append("not compared with the set of the server: name its dataset with --root and --split")
    else:
        missing = [name for name in wanted if name not in store.folders]
        (notes if subset else faults).extend(f"sequence '{name}' is missing" for name in missing)
        faults += [f"sequence '{name}' is not in the set" for name in store.folders if name not in wanted]
    for done, name in enumerate(store.folders, start=1):
        if wanted is None or name in wanted:
            faults += sequence_faults(store, name, wanted[name] if wanted else None)
        if progress is not None:
            progress(done, len(store.folders))
    if faults:
        raise NotExported(faults)
    return Checked(len(store.folders), sum(map(len, store.folders.values())), tuple(notes))


def sequence_faults(store: MaskStore, name: str, want: Expected | None) -> Iterator[str]:
    """Missing and foreign frames of a sequence, and masks of a wrong kind, size or id."""
    there = store.folders[name].keys()
    if want is not None:
        yield from _some(f"{name}: frame", sorted(want.frames - there), "is missing")
        yield from _some(f"{name}: frame", sorted(there - want.allowed), "is not in the video")
    for stem in there:
        if fault := _mask_fault(store, name, stem, want):
            yield f"{store.where(name, stem)} {fault}"


def _mask_fault(store: MaskStore, name: str, stem: str, want: Expected | None) -> str:
    with store.open(name, stem) as stream:
        header = read_header(stream)
    if header.fault or header.size is None:
        return header.fault
    if want is not None and header.size != want.size:
        return f"is {header.size[1]} x {header.size[0]}, the video {want.size[1]} x {want.size[0]}"
    try:
        with store.open(name, stem) as stream:
            _, ids = read_labels(stream)
    except ValueError as error:
        return str(error)
    foreign = sorted(set(ids) - want.object_ids) if want is not None else []
    given = sorted(want.object_ids) if want is not None else []
    return f"holds ids {foreign}, which no mask gives; given are {given}" if foreign else ""


def _wrapping(names: Iterable[str], form: Format) -> str:
    """Folders around everything that the server does not expect; empty if there are none."""
    parts = [PurePosixPath(name).parts for name in names if _is_plain(name)]
    if not parts or min(map(len, parts)) <= 2 + FOLDER[form].count("/"):
        return ""
    first = {part[0] for part in parts}
    return f"{first.pop()}/" if len(first) == 1 else ""


def _is_plain(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _some(what: str, stems: list[str], fault: str) -> Iterator[str]:
    """One line for the first of many, with their number."""
    if stems:
        more = f" ({len(stems)} such frames)" if len(stems) > 1 else ""
        yield f"{what} {stems[0]} {fault}{more}"
