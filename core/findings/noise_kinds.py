"""Kinds of findings of the noise report, with their messages: what was measured, and what follows from it."""

from __future__ import annotations

from core.findings.finding import Kind, Level

# camera

GAIN = Kind(
    code="gain",
    level=Level.NOTE,
    words="A detected photon gives {value:.3g} counts ({low:.3g} to {high:.3g}).",
)
GAIN_EXCESS = Kind(
    code="gain-excess", level=Level.NOTE,
    words="The variance grows by {value:.3g} counts per count ({low:.3g} to {high:.3g}). The skewness of "
    "the noise shows that this includes excess noise, as of an EMCCD or photomultiplier: a photon gives "
    "fewer counts. A noise model made from repeats or calibration frames describes such noise better.",
)  # fmt: skip
GAIN_ROUGH = Kind(
    code="gain-rough", level=Level.HINT,
    words="A detected photon gives about {value:.3g} counts, but only {low:.3g} to {high:.3g} is certain. "
    "More planes, or a calibration of the camera, give the exact number.",
)  # fmt: skip
GAIN_UNKNOWN = Kind(
    code="gain-unknown", level=Level.HINT,
    words="The noise does not increase with the intensity here, so that the counts per photon are unknown. "
    "Results are not affected: the noise is treated as constant.",
)  # fmt: skip
OFFSET = Kind(
    code="offset", level=Level.NOTE,
    words="Without light, the camera gives {value:.4g} counts ({low:.4g} to {high:.4g}).",
)  # fmt: skip
OFFSET_UNKNOWN = Kind(
    code="offset-unknown", level=Level.HINT,
    words="The counts without light (offset) cannot be measured in this stack: {low:.3g} to {high:.3g} are "
    "possible. Dark frames tell them.",
)  # fmt: skip
OFFSET_UNLIMITED = Kind(
    code="offset-unlimited", level=Level.HINT,
    words="The counts without light (offset) cannot be measured in this stack. Dark frames tell them.",
)  # fmt: skip
READ_NOISE = Kind(
    code="read-noise", level=Level.NOTE,
    words="The read noise is {value:.3g} counts ({low:.3g} to {high:.3g}).",
)  # fmt: skip
READ_NOISE_UNKNOWN = Kind(
    code="read-noise-unknown", level=Level.NOTE,
    words="The read noise is at most {high:.3g} counts; photon noise hides its exact value.",
)  # fmt: skip
CALIBRATION_FITS = Kind(
    code="calibration-fits", level=Level.NOTE,
    words="The noise of this stack agrees with the calibration of the camera {camera}, which is used.",
)  # fmt: skip
CALIBRATION_TYPE = Kind(
    code="calibration-type", level=Level.CAUTION,
    words="The camera {camera} was calibrated with pixels of {known}; this stack has {type}. If its counts "
    "were converted or scaled, the calibration does not hold.",
)  # fmt: skip
CALIBRATION_SIZE = Kind(
    code="calibration-size", level=Level.HINT,
    words="The camera {camera} was calibrated with {known} pixels; this stack has {size}. The calibration "
    "holds for a part of the sensor, but not for another binning.",
)  # fmt: skip
CALIBRATION_DIFFERS = Kind(
    code="calibration-differs", level=Level.CAUTION,
    words="The noise of this stack is {value:.2g} times that of the calibration {camera}. It was probably "
    "recorded with another camera, gain or exposure mode, or processed afterwards.",
)  # fmt: skip

# light

PHOTONS = Kind(
    code="photons", level=Level.NOTE,
    words="Half of the image has more than {value:.3g} photons per pixel; bright parts have {bright:.3g}.",
)  # fmt: skip
PHOTONS_FEW = Kind(
    code="photons-few", level=Level.HINT,
    words="Even bright parts have only {value:.2g} photons per pixel. Fine structure is lost in the noise: "
    "average frames, use neighbouring planes, or record with more light.",
)  # fmt: skip
PHOTONS_UNKNOWN = Kind(
    code="photons-unknown", level=Level.NOTE,
    words="The number of photons per pixel is unknown, because the gain is unknown.",
)  # fmt: skip
SATURATION_NONE = Kind(code="saturation-none", level=Level.NOTE, words="No pixels are saturated.")
SATURATION_FEW = Kind(
    code="saturation-few", level=Level.NOTE,
    words="{value:.2%} of the pixels are saturated; their true intensities are unknown.",
)  # fmt: skip
PIXELS_CLIPPED_LOW = Kind(
    code="pixels-clipped-low", level=Level.CAUTION,
    words="{value:.0%} of the pixels have the smallest value: the dark end of the noise was cut off, by an "
    "offset that is too small or by subtracting the background. Dark parts stay too bright after denoising.",
)  # fmt: skip
LABEL_FREE = Kind(
    code="label-free", level=Level.NOTE,
    words="The background is grey, and structures are brighter and darker than it: this seems to be a "
    "label-free image (phase contrast, brightfield). Use no positivity: dark structures are not missing "
    "light.",
)  # fmt: skip

POSITIVITY_OFF = Kind(
    code="positivity-off", level=Level.NOTE,
    words="Positivity ({value:g}) is switched off: this seems to be a label-free image, whose dark "
    "structures are not missing light.",
)  # fmt: skip

# pixels

DEFECTS_NONE = Kind(code="defects-none", level=Level.NOTE, words="No single pixels are hot or dead.")
DEFECTS = Kind(
    code="defects", level=Level.HINT,
    words="{hot} hot and {dead} dead pixels stand out from all their neighbours. Instant can replace them "
    "by what their neighbours show.",
)  # fmt: skip
INDEPENDENT = Kind(
    code="noise-independent", level=Level.NOTE,
    words="The noise of neighbouring pixels is independent (correlation {along_x:.2f} along rows, "
    "{along_y:.2f} along columns): every blind-spot method is valid.",
)  # fmt: skip
CORRELATED_LINE = Kind(
    code="noise-correlated-line", level=Level.CAUTION,
    words="Neighbouring pixels along {along} share noise (correlation {value:.2f}): a network that hides "
    "single pixels keeps part of it. Hide lines of {length} pixels along {along}, as structN2V does.",
)  # fmt: skip
CORRELATED_AREA = Kind(
    code="noise-correlated-area", level=Level.CAUTION,
    words="Neighbouring pixels share noise (correlation {along_x:.2f} along rows, {along_y:.2f} along "
    "columns), as after interpolation or compression: a network that hides single pixels keeps part of it. "
    "Instant takes correlated noise into account.",
)  # fmt: skip
CORRELATION_UNDECIDED = Kind(
    code="correlation-undecided", level=Level.HINT,
    words="Neighbouring pixels may share noise (correlation {along_x:.2f} along rows, {along_y:.2f} along "
    "columns; the larger one is between {least:.2f} and {most:.2f}). Networks that hide single pixels may "
    "keep part of it. Frames of one scene would tell; Instant takes correlated noise into account.",
)  # fmt: skip
CORRELATION_DOUBTFUL = Kind(
    code="correlation-doubtful", level=Level.HINT,
    words="It is unknown whether neighbouring pixels share noise, because the noise itself is uncertain.",
)  # fmt: skip
STRIPES_NONE = Kind(
    code="stripes-none",
    level=Level.NOTE,
    words="Rows and columns have no offsets of their own (at most {value:.2f} noise standard deviations).",
)
STRIPES_FAINT = Kind(
    code="stripes-faint", level=Level.CAUTION,
    words="Whole {along} have offsets of {value:.2g} noise standard deviations (stripes). They are not "
    "removed like noise of single pixels: they may remain or become sharper.",
)  # fmt: skip

# time and amount

BRIGHTNESS_STEADY = Kind(
    code="brightness-steady", level=Level.NOTE,
    words="The brightness is steady: {change:+.1%} over the recording, and {value:.2%} from frame to frame.",
)  # fmt: skip
FIELDS_DIFFER = Kind(
    code="fields-differ", level=Level.NOTE,
    words="Most frames do not match the first ones: they show different fields, or change completely. "
    "Their brightness is not compared.",
)  # fmt: skip
BLEACHING = Kind(
    code="bleaching", level=Level.HINT,
    words="The signal changes by {value:+.0%} over the recording (bleaching, focus or light source). "
    "Averages of frames and metrics against them are affected.",
)  # fmt: skip
FLICKER = Kind(
    code="flicker", level=Level.HINT,
    words="The signal of single frames fluctuates by {value:.1%} (flicker of the light source or shutter).",
)  # fmt: skip
DRIFT = Kind(
    code="drift", level=Level.HINT,
    words="The frames drift by {value:.1f} pixels over the recording. Averaging frames blurs them; methods "
    "that use single frames are not affected.",
)  # fmt: skip
FRAMES_FAR = Kind(
    code="frames-far", level=Level.CAUTION,
    words="The intensity of {things} {numbers} is far from that of all others, as in a flash or a blank "
    "frame. Leave them out.",
)  # fmt: skip
SCENE_STILL = Kind(
    code="scene-still", level=Level.HINT,
    words="All {value:.0f} frames seem to show the same scene. Averaging them reveals more than any method "
    "that denoises single frames.",
)  # fmt: skip
SCENE_CHANGES = Kind(
    code="scene-changes", level=Level.NOTE,
    words="The scene moves or changes between frames: averaging all frames would blur it.",
)  # fmt: skip
SCENE_UNKNOWN = Kind(
    code="scene-unknown", level=Level.NOTE,
    words="Whether the scene moves is unknown, because neighbouring frames share noise.",
)  # fmt: skip
FRAMES_INDEPENDENT = Kind(
    code="frames-independent", level=Level.NOTE,
    words="The noise of neighbouring {things} is independent (correlation {value:.2f}): they can be used "
    "to denoise each other.",
)  # fmt: skip
FRAMES_SHARE = Kind(
    code="frames-share-noise", level=Level.CAUTION,
    words="Neighbouring {things} share noise (correlation {value:.2f}), as after averaging during the "
    "recording. Using them as neighbours keeps the shared part.",
)  # fmt: skip
DATA_ENOUGH = Kind(
    code="data-enough", level=Level.NOTE,
    words="{value:.3g} million pixels in {planes} {things}: enough to train a network.",
)  # fmt: skip
DATA_LITTLE = Kind(
    code="data-little", level=Level.HINT,
    words="Only {value:.2g} million pixels: a network trained on them alone learns little. Instant needs "
    "no training.",
)  # fmt: skip

# advice

ADVICE_AVERAGE = Kind(
    code="advice-average", level=Level.HINT,
    words="Average the frames with Instant: they show one scene, and each has its own noise.",
)  # fmt: skip
ADVICE_TRAIN = Kind(
    code="advice-train", level=Level.NOTE,
    words="Train Quietfield on this stack: its noise is independent from pixel to pixel, and there is "
    "enough data.",
)  # fmt: skip
ADVICE_INSTANT = Kind(code="advice-instant", level=Level.NOTE, words="Use Instant: {why}.")
ADVICE_LINES = Kind(
    code="advice-lines", level=Level.NOTE,
    words="Train structN2V with lines of {length} pixels along {along}, along which the noise is "
    "correlated.",
)  # fmt: skip
ADVICE_NOTHING = Kind(
    code="advice-nothing",
    level=Level.NOTE,
    words="This stack has almost no noise; denoising does not improve it.",
)
NOISE_MODEL_MOVES = Kind(
    code="noise-model-moves", level=Level.CAUTION,
    words="The frames of {name} do not seem to show one static scene: the noise model counts motion and "
    "changes of brightness as noise. Use repeated frames, or make it from a denoised stack.",
)  # fmt: skip
