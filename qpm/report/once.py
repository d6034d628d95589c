"""What a page says once: files that stand alone repeat data and network in each caption, one page need not."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from qpm.report import captions
from qpm.report.load import Results

END = re.compile(r"(?<=\.)(?<!Fig\.) (?=[A-Z(])")


def sentences(text: str) -> list[str]:
    """Return the sentences of a caption."""
    return END.split(text) if text else []


def without(text: str, said: Collection[str]) -> str:
    """Return a caption without the sentences that were said already."""
    return captions.join(*(sentence for sentence in sentences(text) if sentence not in said))


def about(results: Results, texts: Sequence[str]) -> dict[str, str]:
    """Return what the captions of a page (`texts`) say of data and of network, for its head; only what one says."""
    facts = {
        "Data": captions.data(results) if results.rows.scored.any() else "",
        "Network": captions.network(results),
    }
    written = {sentence for text in texts for sentence in sentences(text)}
    return {name: fact for name, fact in facts.items() if written.intersection(sentences(fact))}
