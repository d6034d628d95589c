"""How numbers are printed. Something that was not measured (NaN, None) prints as nothing."""

from __future__ import annotations

import math

MINUS = "−"


def measured(value: float | None) -> bool:
    """Return whether there is a number to print."""
    return value is not None and not math.isnan(float(value))


def fixed(value: float | None, digits: int = 3) -> str:
    """Return 0.8404 as "0.840", and nothing as ""."""
    return f"{value:.{digits}f}".replace("-", MINUS) if measured(value) else ""


def spread(value: float | None, deviation: float | None, digits: int = 3) -> str:
    """Return "0.840 ± 0.004", or without the deviation where there is one seed."""
    return fixed(value, digits) + (f" ± {fixed(deviation, digits)}" if measured(deviation) else "")


def signed(value: float | None, digits: int = 3) -> str:
    """Return 0.0123 as "+0.012"; what rounds to zero has no sign."""
    if not measured(value):
        return ""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def interval(difference: float | None, low: float | None, high: float | None) -> str:
    """Return "+0.012 [−0.003, +0.027]"; one video alone has a difference and no interval."""
    bounds = f" [{signed(low)}, {signed(high)}]" if measured(low) and measured(high) else ""
    return signed(difference) + bounds if measured(difference) else ""


def probability(p: float | None) -> str:
    """Return a p value with three decimals, "<0.001" below that."""
    if not measured(p):
        return ""
    return "<0.001" if float(p or 0.0) < 0.0005 else fixed(p)


def share(value: float | None) -> str:
    """Return 0.183 as "18 %"."""
    return f"{100 * float(value or 0.0):.0f} %" if measured(value) else ""


def count(value: float | None) -> str:
    """Return a whole number."""
    return f"{int(value or 0)}" if measured(value) else ""
