"""Training curves out of the CSV file that Lightning's logger writes."""

import csv
import math
from pathlib import Path

from motion.errors import RequestError
from motion.evaluate.suites.records import Plot

STEP = "step"
_NO_CURVE = (STEP, "epoch")
MOST_POINTS = 400
"""Of a curve; longer ones are thinned out evenly."""
LEAST_POINTS = 2


def read_curves(path: Path | None) -> tuple[Plot, ...]:
    """One plot for each column of numbers over ``step``; none without a file.

    Raises:
        RequestError: There is no such file, or it has no column ``step``.
    """
    if path is None:
        return ()
    if not path.is_file():
        raise RequestError(f"there are no training curves in {path}; give a CSV file")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or STEP not in rows[0]:
        raise RequestError(f"{path} has no column '{STEP}': expected the metrics.csv of a training")
    plots = [_curve(rows, name) for name in rows[0] if name and name not in _NO_CURVE]
    return tuple(plot for plot in plots if plot is not None)


def _curve(rows: list[dict[str, str]], name: str) -> Plot | None:
    points = [(_value(row[STEP]), _value(row[name])) for row in rows]
    kept = [(x, y) for x, y in points if x is not None and y is not None]
    if len(kept) < LEAST_POINTS:
        return None
    kept = kept[:: max(1, math.ceil(len(kept) / MOST_POINTS))]
    return Plot(
        kind="lines",
        title=name,
        x_label=STEP,
        y_label="",
        rows={"x": tuple(x for x, _ in kept), name: tuple(y for _, y in kept)},
    )


def _value(text: str | None) -> float | None:
    """A finite number; None for anything else, such as an empty cell."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
