"""Output of ``info --noise``: the noise of every channel as text and as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.noise.noise_estimate import NoiseEstimate
    from core.stack import Stack


def of_channels(stack: Stack) -> tuple[NoiseEstimate, ...]:
    """Estimate the noise of every channel."""
    from core.noise.survey import Survey

    return Survey.of(stack).noise().channels


def rows(found: Sequence[NoiseEstimate], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the lines of a table: property and value."""
    lines = []
    for number, noise in enumerate(found):
        if len(found) > 1:
            lines.append(("noise of", names[number] if number < len(names) else f"channel {number + 1}"))
        model = noise.model
        sign = "+" if model.constant >= 0 else "-"
        lines += [
            ("gain", f"{model.gain:.4g}{_error(noise.gain_error)} counts per photon"),
            ("variance", f"{model.gain:.4g} × mean {sign} {abs(model.constant):.4g} counts²"),
            ("read noise", f"at most {noise.read_noise:.3g} counts, in the darkest parts"),
            ("correlation", f"{noise.correlation_x:.2f} along rows, {noise.correlation_y:.2f} along columns"),
        ]
        if noise.saturated:
            lines.append(("saturated", f"{100 * noise.saturated:.2g} % of the pixels"))
        lines += [("note", finding.text) for finding in noise.findings]
    return lines


def facts(noise: NoiseEstimate) -> dict[str, object]:
    """Return numbers for JSON, with null for infinity and NaN."""
    numbers = {
        "gain": noise.model.gain, "gain_error": noise.gain_error, "constant": noise.model.constant,
        "constant_error": noise.constant_error, "floor": noise.model.floor, "read_noise": noise.read_noise,
        "correlation_x": noise.correlation_x, "correlation_y": noise.correlation_y,
        "saturated": noise.saturated, "lowest": noise.lowest,
    }  # fmt: skip
    return {
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "autocorrelation": [[round(value, 4) for value in row] for row in noise.autocorrelation.tolist()],
        "method": noise.method, "reliable": noise.reliable, "blind_spot_valid": noise.blind_spot_valid,
        "problem": noise.problem.text if noise.problem is not None else "",
        "warning": noise.warning.text if noise.warning is not None else "",
        "findings": [finding.to_dict() for finding in noise.findings],
    }  # fmt: skip


def _error(error: float) -> str:
    return f" ± {error:.2g}" if math.isfinite(error) else ""
