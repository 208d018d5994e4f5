"""Kinds of findings about the limits and the success of a training, with their messages."""

from __future__ import annotations

from core.findings.finding import Kind, Level

BATCH_REDUCED = Kind(
    code="batch-reduced", level=Level.CAUTION,
    words="Steps of {limit:.0f} patches would take most of the time limit of {seconds:g} s; each step uses "
    "{value:.0f}. Allow more time, or reduce width, depth or patch side.",
)  # fmt: skip
POSTERIOR_INVALID = Kind(
    code="posterior-invalid", level=Level.CAUTION,
    words="Neighbouring pixels share noise ({value:.2f} along {along}), so that this method is not valid: "
    "the surroundings of a pixel tell its noise, and combining them with its own value keeps noise as if it "
    "were signal.",
)  # fmt: skip
WORSE_THAN_RAW = Kind(
    code="worse-than-raw", level=Level.CAUTION,
    words="On held-out pixels, the squared error of the trained network is {value:.3g} times that of the raw "
    "image. Do not use it: train longer or at a lower learning rate, or use Instant or Quietfield.",
)  # fmt: skip
BETTER_THAN_INSTANT = Kind(
    code="better-than-instant", level=Level.NOTE,
    words="On held-out pixels, the trained network is better than Instant: its squared error, without that "
    "of the noise, is lower by {value:.2f} dB.",
)  # fmt: skip
LOSS_BELOW_INSTANT = Kind(
    code="loss-below-instant", level=Level.NOTE,
    words="On held-out pixels, the trained network is better than Instant: training lowered the loss from "
    "{limit:.4g} to {value:.4g} (negative log-likelihood of a pixel).",
)  # fmt: skip
AS_GOOD_AS_INSTANT = Kind(
    code="as-good-as-instant", level=Level.NOTE,
    words="On held-out pixels, the trained network is as good as Instant: their squared errors do not differ "
    "by more than the uncertainty.",
)  # fmt: skip
WORSE_THAN_INSTANT = Kind(
    code="worse-than-instant", level=Level.HINT,
    words="On held-out pixels, Instant is better than the trained network: its squared error is lower by "
    "{value:.0%} of that of the raw image. Use Instant or Quietfield, or train longer.",
)  # fmt: skip
