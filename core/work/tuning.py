"""Automatic choice of the parameters of a filter by its estimated error, without a reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core import params
from core.errors import QuietfieldError
from core.methods.base import Bindable, Method
from core.params import Param, Value
from core.progress import Context
from core.quality.judge import Judge
from core.quality.judgement import Judgement

Use = Callable[[Method], Bindable]
"""Returns what is judged for a filter, such as the filter after other steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A filter with chosen parameters.

    Attributes
    ----------
    method : Method
        The filter.
    judged : Judgement
        Its estimated error.
    tried : dict of (float or int) to Judgement
        Estimated errors by the values of the parameter that was chosen last.
    """

    method: Method
    judged: Judgement
    tried: dict[float | int, Judgement] = field(default_factory=dict, repr=False, compare=False)


def tunable(method: Method | type[Method]) -> tuple[Param, ...]:
    """Return the parameters that can be chosen automatically."""
    cls = method if isinstance(method, type) else type(method)
    return tuple(p for p in params.describe(cls) if p.auto)


def tune(
    method: Method,
    judge: Judge,
    *,
    names: Sequence[str] = (),
    use: Use | None = None,
    context: Context | None = None,
) -> Tuned:
    """Choose parameters of a filter by the estimated error.

    Each parameter is chosen in turn among the values of its description; for a number that is not an
    integer, values between the best one and its neighbours are tried too.

    Parameters
    ----------
    method : Method
        Filter; parameters that are not chosen keep their values.
    judge : Judge
        Judge of the stack. All values get the same random draw.
    names : sequence of str
        Parameters to choose; by default all that can be.
    use : callable, optional
        Returns what is judged for a filter; by default the filter itself.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    Tuned
        Filter with the values that have the smallest estimated error.

    Raises
    ------
    QuietfieldError
        If the filter cannot be applied to the stack, or a parameter cannot be chosen.
    """
    context = context or Context()
    chosen = [p for p in tunable(method) if not names or p.name in names]
    missing = set(names) - {p.name for p in chosen}
    if missing or not chosen:
        if missing:
            what = f"The parameter {sorted(missing)[0]} of {method.label} cannot"
        else:
            what = f"No parameter of {method.label} can"
        raise QuietfieldError(f"{what} be chosen automatically.")
    # with several parameters, the best value of the first one depends on the others
    order = chosen if len(chosen) == 1 else [*chosen, chosen[0]]
    found: Tuned | None = None
    for number, p in enumerate(order):
        part = context.part(number / len(order), (number + 1) / len(order))
        found = _tune_one(found.method if found is not None else method, p, judge, use, part)
    assert found is not None
    return found


def _tune_one(method: Method, p: Param, judge: Judge, use: Use | None, context: Context) -> Tuned:
    tried: dict[float | int, Judgement] = {}

    def attempt(value: float | int, part: Context) -> None:
        part.step(0.0, p.show(value))
        one = _with(method, p, value)
        tried[value] = judge.judge(use(one) if use is not None else one, 1, part)

    grid = [value for value in p.auto if p.le is None or value <= p.le]
    own = params.values(method)[p.name]
    if isinstance(own, int | float) and own not in grid:  # never worse than the value that was set
        grid.append(own)
    for number, value in enumerate(sorted(grid)):
        attempt(value, context.part(0.8 * number / len(grid), 0.8 * (number + 1) / len(grid)))
    if p.kind == "float":
        between = _between(sorted(tried), _best(tried))
        for number, value in enumerate(between):
            begin, end = (0.8 + 0.2 * n / len(between) for n in (number, number + 1))
            attempt(value, context.part(begin, end))
    value = _best(tried)
    return Tuned(method=_with(method, p, value), judged=tried[value], tried=dict(sorted(tried.items())))


def _best(tried: dict[float | int, Judgement]) -> float | int:
    return min(tried, key=lambda value: tried[value].share)


def _between(values: list[float | int], best: float | int) -> list[float]:
    """Return the values halfway between the best one and its neighbours, geometrically above 0."""
    place = values.index(best)
    found = []
    for other in values[max(place - 1, 0) : place] + values[place + 1 : place + 2]:
        middle = math.sqrt(best * other) if best * other > 0 else (best + other) / 2
        found.append(float(f"{middle:.2g}"))
    return [value for value in found if value not in values]


def _with(method: Method, p: Param, value: Value) -> Method:
    return params.build(type(method), {**params.values(method), p.name: value})
