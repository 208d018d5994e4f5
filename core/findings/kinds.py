"""All kinds of findings of Quietfield, with their messages."""

from __future__ import annotations

from core.findings.finding import Kind, Level

# noise

NOISE_ABSENT = Kind(
    code="noise-absent", level=Level.NOTE, words="No noise was found here; the image is not changed."
)
NOISE_NEGLIGIBLE = Kind(
    code="noise-negligible", level=Level.NOTE,
    words="This image has almost no noise; denoising does not improve it.",
)  # fmt: skip
NOISE_TOO_FEW_PIXELS = Kind(
    code="noise-too-few-pixels", level=Level.CAUTION,
    words="The noise cannot be estimated: too few pixels vary without saturation.",
)  # fmt: skip
NOISE_EVEN_BRIGHTNESS = Kind(
    code="noise-even-brightness", level=Level.CAUTION,
    words="The intensity varies too little to estimate how the noise depends on it.",
)  # fmt: skip
NOISE_STRUCTURE = Kind(
    code="noise-structure", level=Level.CAUTION,
    words="Fine structure covers the image; the noise is hard to separate from it.",
)  # fmt: skip
NOISE_SPECTRUM = Kind(
    code="noise-spectrum", level=Level.CAUTION,
    words="The spectrum of the image differs from that of noise: fine structure covers the image, and the "
    "noise is hard to separate from it.",
)  # fmt: skip
NOISE_EXTRAPOLATED = Kind(
    code="noise-extrapolated", level=Level.CAUTION,
    words="The bright parts of the image are too small or too sharp to estimate their noise; it was "
    "extrapolated from the darker parts.",
)  # fmt: skip
NOISE_CORRELATED = Kind(
    code="noise-correlated", level=Level.CAUTION,
    words="The noise of neighbouring pixels is correlated ({value:.2f} along {along}): a blind-spot network "
    "keeps part of it as if it were signal. structN2V masks such neighbours together.",
)  # fmt: skip

JUDGED_SHARED_NOISE = Kind(
    code="judged-shared-noise", level=Level.CAUTION,
    words="Neighbours along {name} share noise (correlation {value:.2f}), so the error of a method that uses "
    "them is estimated too small.",
)  # fmt: skip

REFERENCE_SCALE = Kind(
    code="reference-scale", level=Level.CAUTION,
    words="The reference has another scale or offset: the stack is about {value:.3g} times the reference "
    "plus {offset:.3g}. PSNR counts this as error. Fit scale and offset of the results first.",
)  # fmt: skip

# image

PIXELS_UNRECORDED = Kind(
    code="pixels-unrecorded", level=Level.NOTE,
    words="{value:.2%} of the examined pixels contain no measurement ({what}). They are excluded from every "
    "computation, and stay unchanged.",
)  # fmt: skip
PIXELS_SATURATED = Kind(
    code="pixels-saturated", level=Level.CAUTION,
    words="{value:.0%} of the pixels are saturated; their true intensities are unknown and are not restored.",
)  # fmt: skip
PIXELS_OUTLYING = Kind(
    code="pixels-outlying", level=Level.CAUTION,
    words="Many single pixels ({value:.1%}) are far too bright or too dark. A median filter before "
    "denoising removes them better.",
)  # fmt: skip
_HOT = (
    "Single pixels far brighter or darker than all their neighbours (hot or dead pixels), in the centre of "
    "the plane: {value:.0f}. "
)
PIXELS_HOT = Kind(
    code="pixels-hot", level=Level.NOTE,
    words=f"{_HOT}They keep their recorded values, and do not affect the pixels around them.",
)  # fmt: skip
PIXELS_HOT_MENDED = Kind(
    code="pixels-hot-mended", level=Level.NOTE,
    words=f"{_HOT}They are replaced by what their neighbours show.",
)  # fmt: skip
STRIPES = Kind(
    code="stripes", level=Level.CAUTION,
    words="The image has stripes along the {along}. They are not removed like noise of single pixels: they "
    "may remain or become sharper.",
)  # fmt: skip
JPEG_BLOCKS = Kind(
    code="jpeg-blocks", level=Level.CAUTION,
    words="The image seems to have been compressed in blocks of 8 x 8 pixels (JPEG), which changes its "
    "noise.",
)  # fmt: skip

# neighbouring planes and frames

FRAMES_STILL = Kind(
    code="frames-still", level=Level.HINT,
    words="All frames seem to show the same scene. Averaging them first (Neighbours: Mean of frames) reveals "
    "more.",
)  # fmt: skip
FRAME_DIFFERS = Kind(
    code="frame-differs", level=Level.CAUTION,
    words="{value:.2%} of frame {frame} differs from the mean of the frames by more than the noise explains: "
    "averaging blurs moving or changing structures. Choose other neighbours.",
)  # fmt: skip
_SHARED = (
    "Neighbours along {name} ({axis}) share noise (correlation {value:.2f}), as with averaging during the "
    "recording: "
)
NEIGHBOURS_SHARE_NOISE = Kind(
    code="neighbours-share-noise", level=Level.CAUTION,
    words=f"{_SHARED}the shared part stays. Choose other neighbours.",
)  # fmt: skip
NEIGHBOURS_LEFT_OUT = Kind(code="neighbours-left-out", level=Level.NOTE, words=f"{_SHARED}they are not used.")
TARGETS_SHARE_NOISE = Kind(
    code="targets-share-noise", level=Level.CAUTION, words=f"{_SHARED}Noise2Noise keeps the shared part."
)

# training: what suits the stack

CHANNEL_NOISE_CORRELATED = Kind(
    code="channel-noise-correlated", level=Level.CAUTION,
    words="In channel {channel}, the noise of neighbouring pixels is correlated ({value:.2f} along "
    "{along}): a blind-spot network keeps part of it as if it were signal. structN2V masks such "
    "neighbours together.",
)  # fmt: skip
TRAINING_NOISELESS = Kind(
    code="training-noiseless", level=Level.CAUTION,
    words="Almost no noise of single pixels was found in {where}; training does not improve it.",
)  # fmt: skip
PLANES_TOO_SMALL = Kind(
    code="planes-too-small", level=Level.CAUTION,
    words="The planes of {name} have {width} x {height} pixels; the network of Instant needs at least "
    "{limit:.0f} x {limit:.0f} to be trained. It is used as it is.",
)  # fmt: skip
NETWORK_UNTRAINED = Kind(
    code="network-untrained", level=Level.NOTE,
    words="The network of Instant is not trained; it is used as it is.",
)  # fmt: skip
CORRELATION_KNOWN = Kind(
    code="correlation-known", level=Level.NOTE,
    words="The network of Instant takes correlated noise into account. It is not trained; it is used as it "
    "is.",
)  # fmt: skip
_MEASURED = (
    "Neighbouring pixels share noise (correlation {along_x:.2f} along rows, {along_y:.2f} along columns): "
)
LINES_MASKED = Kind(
    code="lines-masked", level=Level.NOTE,
    words=f"{_MEASURED}lines of {{length}} pixels along {{where}} are masked.",
)  # fmt: skip
LINES_UNNECESSARY = Kind(
    code="lines-unnecessary", level=Level.NOTE,
    words=f"{_MEASURED}too little to mask lines. Single pixels are hidden, as in Noise2Void.",
)  # fmt: skip
LINES_UNKNOWN = Kind(
    code="lines-unknown", level=Level.CAUTION,
    words="Fine structure covers the image, so that correlated noise cannot be separated from it. Single "
    "pixels are hidden, as in Noise2Void; select the covered line yourself if you see stripes.",
)  # fmt: skip
SCENE_MOVES = Kind(
    code="scene-moves", level=Level.CAUTION,
    words="Frame {frame} differs from the first one by more than the noise explains: the scene moves or "
    "changes, and Noise2Noise blurs what does. Noise2Void needs no static scene.",
)  # fmt: skip
NEIGHBOURS_HELP = Kind(
    code="neighbours-help", level=Level.NOTE,
    words="Neighbours along {name} ({axis}) help to predict hidden pixels; they are used.",
)  # fmt: skip
NEIGHBOURS_USELESS = Kind(
    code="neighbours-useless", level=Level.NOTE,
    words="Neighbouring planes or frames do not help to predict hidden pixels; they are not used.",
)  # fmt: skip

FRAMES_OUTLYING = Kind(
    code="frames-outlying", level=Level.CAUTION,
    words="The intensity of some {things} is far from that of all others, as in a flash or a blank frame "
    "({things} {numbers}). They are left out of the training.",
)  # fmt: skip

# training: how it went

NOTHING_HELD_OUT = Kind(
    code="nothing-held-out", level=Level.CAUTION,
    words="The stack is too small to hold a part of it out; the validation loss is that of the training "
    "data.",
)  # fmt: skip
PATCHES_SMALLER = Kind(
    code="patches-smaller", level=Level.NOTE,
    words="The patches have {value:.0f} px, as the network and the stack allow.",
)  # fmt: skip
TRAINING_RESTARTED = Kind(
    code="training-restarted", level=Level.NOTE,
    words="Training starts anew from the weights of a network that was trained on another stack, with other "
    "neighbours, or whose file does not contain what is needed to resume.",
)  # fmt: skip
TRAINING_COMPLETE = Kind(
    code="training-complete", level=Level.NOTE,
    words="This network was already trained completely ({value:.0f} steps in {seconds:.0f} s). Allow more "
    "steps or time to continue.",
)  # fmt: skip
TRAINING_USELESS = Kind(
    code="training-useless", level=Level.NOTE,
    words="Training on this stack did not lower the error on the held-out parts; the initial network is "
    "kept.",
)  # fmt: skip
TRAINING_BROKE_DOWN = Kind(
    code="training-broke-down", level=Level.CAUTION,
    words="Training broke down at step {broken} (the loss was not a number) and continued from step {step} "
    "at half the learning rate, {value:.3g}.",
)  # fmt: skip
TRAINING_GIVEN_UP = Kind(
    code="training-given-up", level=Level.CAUTION,
    words="Training broke down {value:.0f} times in a row, at last at step {broken} (the loss was not a "
    "number), and was stopped; the network of step {step} is kept. Choose a much lower learning rate, "
    "and check the stack for extremely large values.",
)  # fmt: skip
MEMORY_SHORT = Kind(
    code="memory-short", level=Level.NOTE,
    words="The memory of {device} ran short: {value:.0f} patches are processed at a time, which takes "
    "longer and gives the same result.",
)  # fmt: skip
CLEAN_COUNTS = Kind(
    code="clean-counts", level=Level.CAUTION,
    words="Results are in the counts of the clean stack (mean {mean:.4g}, standard deviation {std:.4g}), "
    "which {type} cannot represent well. Export them as float32.",
)  # fmt: skip
UNLIKE_TRAINING = Kind(
    code="unlike-training", level=Level.CAUTION,
    words="The network was trained on pixels of mean {mean:.4g} and standard deviation {std:.4g}; {where} "
    "has {own_mean:.4g} and {own_std:.4g}. Check the result with care, or train on this stack.",
)  # fmt: skip

# files: how a file was read

CUT_SHORT = Kind(
    code="cut-short", level=Level.CAUTION,
    words="The file is truncated: it contains {value:.0f} of {limit:.0f} planes. The first {opened} were "
    "opened; copy or export the file again to get the rest.",
)  # fmt: skip
INCOMPLETE = Kind(
    code="incomplete", level=Level.CAUTION,
    words="The file seems to be truncated: only the existing planes were opened ({value:.0f}). Copy or "
    "export it again to get the rest.",
)  # fmt: skip
FEWER_PLANES = Kind(
    code="fewer-planes", level=Level.CAUTION,
    words="The file should contain {limit:.0f} images but contains {value:.0f}: it is truncated, or one part "
    "of a larger stack.",
)  # fmt: skip
PLANES_MISSING = Kind(
    code="planes-missing", level=Level.CAUTION,
    words="{value:.0f} of {total} planes are missing; their pixels are 0. If the stack consists of several "
    "files, put all of them into one folder; otherwise copy or export it again.",
)  # fmt: skip
PART_MISSING = Kind(
    code="part-missing", level=Level.CAUTION,
    words="{file}, which belongs to this OME-TIFF, is missing or cannot be read.",
)  # fmt: skip
DAMAGED = Kind(
    code="damaged", level=Level.CAUTION,
    words="Parts of the file are damaged ({cause}); check the planes before you use them.",
)  # fmt: skip
JPEG_COMPRESSION = Kind(
    code="jpeg-compression", level=Level.CAUTION,
    words="JPEG compression changes the noise; use the original file if there is one.",
)  # fmt: skip
MORE_SERIES = Kind(
    code="more-series", level=Level.NOTE,
    words="The file contains {value:.0f} series; number {opened} was opened: {series}.",
)  # fmt: skip
MORE_RESOLUTIONS = Kind(
    code="more-resolutions", level=Level.NOTE,
    words="The file contains {value:.0f} resolutions; the full one was opened.",
)  # fmt: skip
FILE_SEQUENCE = Kind(
    code="file-sequence", level=Level.NOTE, words="{value:.0f} files, from {first} to {last}."
)  # fmt: skip
AXIS_AS_TIME = Kind(
    code="axis-as-time", level=Level.NOTE, words="The axis {axis} of the file is read as time."
)  # fmt: skip
AXIS_JOINED_TO_TIME = Kind(
    code="axis-joined-to-time", level=Level.NOTE,
    words="The axis {axis} of the file and its time points are read as one time axis.",
)  # fmt: skip
COLOUR_TABLE = Kind(
    code="colour-table", level=Level.CAUTION,
    words="The pixels are indices of a colour table, not intensities.",
)  # fmt: skip
ZERO_IS_WHITE = Kind(
    code="zero-is-white", level=Level.NOTE,
    words="According to the file, 0 is white; the values are not changed.",
)  # fmt: skip
LAB_COLOURS = Kind(
    code="lab-colours", level=Level.CAUTION,
    words="The channels are CIE Lab components, not red, green and blue.",
)  # fmt: skip
INK_COLOURS = Kind(
    code="ink-colours", level=Level.CAUTION,
    words="The channels are inks (cyan, magenta, yellow, black), not red, green and blue.",
)  # fmt: skip
BLACK_AND_WHITE = Kind(
    code="black-and-white", level=Level.NOTE, words="The image is black and white; its pixels are 0 and 1."
)  # fmt: skip
NEGATIVE_SIGNAL = Kind(
    code="negative-signal", level=Level.NOTE,
    words="Negative values are part of the signal; they are kept.",
)  # fmt: skip

# files: what a file says of itself

CALIBRATION_NOT_APPLIED = Kind(
    code="calibration-not-applied", level=Level.CAUTION,
    words="ImageJ converts the pixels of this file by a calibration function, {function}, to {unit}. "
    "Quietfield shows and writes the pixels without this conversion.",
)  # fmt: skip
SPACING_NEGATIVE = Kind(
    code="spacing-negative", level=Level.NOTE,
    words="The spacing along {axis} is negative in the file ({value:g} {unit}), as of a stage that moves "
    "down; its absolute value is used.",
)  # fmt: skip
SPACING_UNUSABLE = Kind(
    code="spacing-unusable", level=Level.CAUTION,
    words="The spacing along {axis} in the file, {given}, cannot be used; it is unknown.",
)  # fmt: skip
COUNTS_DIFFER = Kind(
    code="counts-differ", level=Level.CAUTION,
    words="The file describes {limit:.0f} images ({described}) but contains {value:.0f}. All of them were "
    "opened; check the axes.",
)  # fmt: skip
PAGES_LEFT_OUT = Kind(
    code="pages-left-out", level=Level.CAUTION,
    words="The file contains {value:.0f} images that its description does not count or that differ from the "
    "first; they were not opened.",
)  # fmt: skip
DESCRIPTION_UNFIT = Kind(
    code="description-unfit", level=Level.CAUTION,
    words="The file describes {described}, which does not fit its pixels; this was ignored.",
)  # fmt: skip

# files: how a file was written

TYPE_REPLACED = Kind(
    code="type-replaced", level=Level.NOTE,
    words="{format} TIFF does not support {wanted}; written as {written}.",
)  # fmt: skip
TYPE_ROUNDED = Kind(
    code="type-rounded", level=Level.NOTE,
    words="{format} TIFF does not support {wanted}; written as {written}; values with more than {limit:.0f} "
    "digits are rounded.",
)  # fmt: skip
PIXELS_CLIPPED = Kind(
    code="pixels-clipped", level=Level.CAUTION,
    words="{value:,.0f} of {total:,} pixels were outside {lowest} to {highest} and were clipped.",
)  # fmt: skip
UNDEFINED_AS_ZERO = Kind(
    code="undefined-as-zero", level=Level.CAUTION,
    words="{value:,.0f} NaN pixels were written as 0.",
)  # fmt: skip
PIXELS_INFINITE = Kind(
    code="pixels-infinite", level=Level.CAUTION,
    words="{value:,.0f} of {total:,} pixels are infinite or NaN.",
)  # fmt: skip
PIXELS_COARSE = Kind(
    code="pixels-coarse", level=Level.NOTE,
    words="{value:,.0f} of {total:,} pixels are above {limit:,.0f} and only exact to 7 digits, because "
    "results are computed in single precision.",
)  # fmt: skip

# stacks that Quietfield makes

SIMULATED = Kind(
    code="simulated", level=Level.NOTE,
    words="Simulated with seed {seed}: {scene}, {value:g} photons on bright pixels, detector: {detector}.",
)  # fmt: skip
SIMULATED_PSF = Kind(
    code="simulated-psf", level=Level.NOTE,
    words="All that blurs the image is a Gaussian PSF with a sigma of {value:g} {unit}.",
)  # fmt: skip
SAMPLE = Kind(
    code="sample", level=Level.NOTE,
    words="Simulated with seed {seed}: all {value:.0f} frames show the same scene.",
)  # fmt: skip
SAMPLE_CAMERA = Kind(
    code="sample-camera", level=Level.NOTE,
    words="Camera with {gain:g} counts per photon, an offset of {offset:g} counts and a read noise of "
    "{read_noise:g} photons.",
)  # fmt: skip
TRUTH = Kind(code="truth", level=Level.NOTE, words="The expected value of every pixel, without noise.")
FRAMES_AVERAGED = Kind(
    code="frames-averaged", level=Level.NOTE,
    words="Mean of the {value:.0f} frames of {name}; every frame is part of this mean.",
)  # fmt: skip
FRAMES_LEFT_OUT = Kind(
    code="frames-left-out", level=Level.NOTE,
    words="Opened without {things} {numbers}; the file still has them.",
)  # fmt: skip
FRAMES_DIFFER = Kind(
    code="frames-differ", level=Level.CAUTION,
    words="The frames do not seem to show one static scene: they differ by more than the noise explains. "
    "Metrics against their mean are not reliable.",
)  # fmt: skip

# ------------------------------------------------------------------ comparing methods

COMPARISON_CUT = Kind(
    code="comparison-cut", level=Level.CAUTION,
    words="Each result takes {value:.2g} {unit}, and {limit:.2g} {unit} of memory are free, so these were "
    "left out: {methods}.",
)  # fmt: skip
