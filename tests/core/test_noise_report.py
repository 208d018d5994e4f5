"""The noise report: camera parameters of simulated cameras, and what real recordings are known for."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.files import open_stack
from core.findings import Finding, noise_kinds
from core.noise.models import PoissonGaussian
from core.noise.report import Entry, NoiseReport, known_report, report_noise
from core.progress import Cancelled, Context
from core.simulation import sample, specimen
from core.simulation.detection import Detector, record
from core.stack import Stack
from tests.data import DATA, needs_data

GAIN, OFFSET, READ = 2.5, 100.0, 1.6
"""Counts per photon, counts, and photons."""

CAMERA = PoissonGaussian.camera(gain=GAIN, offset=OFFSET, read_noise=GAIN * READ)
SCENE = ndimage.gaussian_filter(specimen((384, 384), np.random.default_rng(3)), 1.1)
SCENE = SCENE / np.percentile(SCENE, 99.5)


def recorded(photons: float, frames: int = 1, seed: int = 0) -> NDArray[np.uint16]:
    """Frames of one scene, with these photons in bright parts and a hundredth of them as background."""
    mean = OFFSET + GAIN * photons * (SCENE + 0.01)
    counts = CAMERA.sample(np.repeat(mean[None], frames, axis=0), np.random.default_rng(seed))
    return np.rint(counts).astype(np.uint16)


def of(pixels: NDArray[np.generic], axes: str = "TYX") -> NoiseReport:
    return report_noise(Stack.of(pixels, axes))


def line(report: NoiseReport, topic: str) -> Entry:
    return next(entry for entry in report.lines() if entry.topic == topic)


@pytest.mark.parametrize("photons", [3, 10, 30, 100, 300])
@pytest.mark.parametrize("frames", [1, 6])
def test_camera_parameters_from_3_to_300_photons(photons, frames):
    camera = of(recorded(photons, frames)).channels[0].camera
    assert camera.gain.value == pytest.approx(GAIN, rel=0.1)
    for found, truth in ((camera.offset, OFFSET), (camera.read_noise, GAIN * READ)):
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        if found.known:
            assert found.value == pytest.approx(truth, rel=0.1)
        wide = found.high - found.low  # the intervals have 95 %
        assert found.low - 0.5 * wide < truth < found.high + 0.5 * wide
    assert camera.offset.known == (frames > 1 or photons < 300)
    if photons <= (100 if frames > 1 else 3):
        assert camera.read_noise.known


def test_without_a_dark_background_the_offset_is_not_known_and_says_so():
    mean = OFFSET + GAIN * 300 * (0.5 + 0.5 * SCENE)
    report = of(CAMERA.sample(np.repeat(mean[None], 6, axis=0), np.random.default_rng(1)))
    camera = report.channels[0].camera
    assert camera.gain.known
    assert not camera.offset.known
    assert camera.offset.low < OFFSET < camera.offset.high
    offset = line(report, "offset")
    assert offset.finding.kind == noise_kinds.OFFSET_UNKNOWN
    assert offset.light == "tip"
    assert offset.finding.proposal.action == "calibrate"


def test_multiplied_photons_are_told_from_their_skewness():
    rng = np.random.default_rng(2)
    photons = rng.poisson(np.repeat(20 * SCENE[None] + 0.5, 8, axis=0))
    pulses = rng.standard_gamma(np.maximum(photons, 1e-9)) * (photons > 0)  # an EMCCD: exponential pulses
    report = of(100 + 10 * pulses + 5 * rng.standard_normal(photons.shape))
    camera = report.channels[0].camera
    assert camera.skewness == pytest.approx(1.5, rel=0.1)  # third cumulant 6, variance 2: 6 / 2**2
    assert camera.gain.value == pytest.approx(20, rel=0.1)
    assert camera.offset.value == pytest.approx(100, abs=1)
    assert line(report, "gain").finding.kind == noise_kinds.GAIN_EXCESS


def test_photons_per_pixel_are_those_of_the_scene():
    light = of(recorded(30, 4)).channels[0].light
    means = (SCENE + 0.01) * 30
    blocks = means.reshape(96, 4, 96, 4).mean(axis=(1, 3))
    for found, share in ((light.dark, 5), (light.median, 50), (light.bright, 99)):
        assert found.value == pytest.approx(np.percentile(blocks, share), rel=0.1, abs=0.3)
        assert found.known


def test_the_variance_curve_follows_the_camera_and_its_band_covers_it():
    curve = of(recorded(100, 6)).channels[0].curve
    means = np.array(curve.means)
    truth = CAMERA.variance(means) + 1 / 12
    assert np.abs(np.array(curve.variances) / truth - 1).max() < 0.15
    assert np.mean(np.abs(np.array(curve.variances) - truth) < 1.3 * np.array(curve.errors)) > 0.8
    # a 95 % band, which may miss by a little more
    room = np.array(curve.high) - np.array(curve.low)
    assert (np.array(curve.low) - 0.25 * room < truth).all()
    assert (truth < np.array(curve.high) + 0.25 * room).all()


def test_hot_and_dead_pixels_are_found_where_they_are_in_every_frame():
    frames = recorded(30, 5)
    hot, dead = [(20, 30), (200, 17), (311, 300)], [(150, 151)]
    for y, x in hot:
        frames[:, y, x] = 2000
    for y, x in dead:
        frames[:, y, x] = 0
    frames[2, 100, 100] = 3000  # a cosmic ray
    found = of(frames).channels[0].defects
    assert set(found.hot) == set(hot)
    assert set(dead) <= set(found.dead)
    entry = line(of(frames), "defects")
    assert entry.text.startswith("3 hot")
    assert entry.finding.proposal.params == {"hot": "mend"}


@pytest.mark.parametrize("kernel", [(0.25, 0.5, 0.25), (0.15, 0.85), (0.02, 0.15, 0.66, 0.15, 0.02)])
def test_correlation_along_rows_to_lag_4_within_three_hundredths(kernel):
    rng = np.random.default_rng(5)
    white = CAMERA.sample(np.repeat(OFFSET + 30 * GAIN * (SCENE[None] + 0.3), 6, axis=0), rng)
    report = of(ndimage.convolve1d(white, kernel, axis=2))
    power = np.convolve(kernel, kernel[::-1])
    truth = np.zeros(4)
    lags = (power / power.max())[len(kernel) :]
    truth[: len(lags)] = lags
    pattern = report.channels[0].pattern
    assert np.abs(np.array(pattern.along_x) - truth).max() < 0.03
    assert np.abs(pattern.along_y).max() < 0.03
    assert np.shape(pattern.picture) == (9, 9)
    assert pattern.picture[4][4] == 1.0
    advice = line(report, "correlation").finding.proposal
    if truth[0] > 0.2:
        assert (advice.method, advice.params["line"]) == ("structn2v", "x")
        assert advice.params["reach"] == np.count_nonzero(truth > 0.05)


def test_a_single_plane_cannot_tell_a_small_correlation_and_six_can():
    """Correlation 0.17, and 0.15 is the limit of blind spots."""
    rng = np.random.default_rng(5)
    white = CAMERA.sample(np.repeat(OFFSET + 30 * GAIN * (SCENE[None] + 0.3), 6, axis=0), rng)
    frames = ndimage.convolve1d(white, (0.15, 0.85), axis=2)
    truth = 0.15 * 0.85 / (0.15**2 + 0.85**2)
    entry = line(of(frames[:1]), "correlation")
    assert entry.finding.kind == noise_kinds.CORRELATION_UNDECIDED
    assert entry.finding.details["least"] < truth < entry.finding.details["most"]
    assert entry.text.startswith("about")
    entry = line(of(frames), "correlation")
    assert entry.finding.kind == noise_kinds.CORRELATED_LINE
    assert not entry.text.startswith("about")


def test_row_stripes_are_measured_in_noise_deviations():
    rng = np.random.default_rng(6)
    flat = rng.normal(500, 10, (4, 256, 256)) + rng.normal(0, 4, (4, 256, 1))
    report = of(flat)
    assert report.channels[0].pattern.rows == pytest.approx(0.4, rel=0.25)
    assert line(report, "stripes").finding.kind == noise_kinds.STRIPES_FAINT
    assert line(report, "stripes").finding.details["along"] == "rows"
    assert line(of(rng.normal(500, 10, (4, 256, 256))), "stripes").finding.kind == noise_kinds.STRIPES_NONE


def test_bleaching_flicker_drift_and_a_flash_over_time():
    rng = np.random.default_rng(7)
    light = GAIN * 100 * SCENE[:256, :256]
    fading = np.stack([CAMERA.sample(OFFSET + light * 0.98**t, rng) for t in range(20)])
    report = of(fading)
    assert report.channels[0].course.change == pytest.approx(0.98**19 - 1, abs=0.04)
    assert line(report, "brightness").finding.kind == noise_kinds.BLEACHING
    jitter = rng.normal(1, 0.05, 20)
    flickering = np.stack([CAMERA.sample(OFFSET + light * one, rng) for one in jitter])
    assert of(flickering).channels[0].course.flicker == pytest.approx(0.05, rel=0.5)
    wide = np.pad(light, 16, mode="reflect")
    moved = [ndimage.shift(wide, (0.3 * t, 0), order=1)[16:-16, 16:-16] for t in range(20)]
    drifting = of(np.stack([CAMERA.sample(OFFSET + one, rng) for one in moved]))
    assert drifting.channels[0].course.drift == pytest.approx(0.3 * 19, rel=0.1)
    assert line(drifting, "drift").light == "tip"
    flash = np.stack([CAMERA.sample(OFFSET + light, rng) for _ in range(12)])
    flash[7] += 5000
    proposal = line(of(flash), "outlying").finding.proposal
    assert (proposal.action, proposal.params) == ("leave-out", {"axis": "T", "indices": "7"})


def test_what_to_do_depends_on_the_stack():
    assert line(of(recorded(30, 6)), "advice").finding.kind == noise_kinds.ADVICE_AVERAGE
    assert line(of(recorded(30)[0, :200, :200], "YX"), "advice").finding.proposal.method == "instant"
    moving = np.stack([np.roll(recorded(30, seed=t)[0], 20 * t, axis=1) for t in range(4)])
    assert line(of(moving), "advice").finding.proposal.method == "quietfield"
    constant = np.full((3, 64, 64), 7, np.uint8)
    assert line(of(constant), "advice").finding.kind == noise_kinds.ADVICE_NOTHING


def test_copies_of_a_frame_are_not_proposed_as_neighbours():
    report = of(np.repeat(recorded(30.0), 5, axis=0))
    (entry,) = (one for one in report.entries if one.topic == "shared-t")
    assert entry.finding.kind == noise_kinds.FRAMES_SHARE
    assert entry.finding.proposal.params == {"neighbours": "none"}


def test_nothing_is_said_of_motion_and_structure_where_nothing_varies():
    report = of(np.full((4, 64, 64), 7, np.uint16))
    assert not any(one.topic in ("scene", "shared-t") for one in report.entries)
    (entry,) = (one for one in report.channels[0].entries if one.topic == "correlation")
    assert "uncertain" in entry.finding.text
    assert "structure" not in entry.finding.text


def test_the_sample_that_ships():
    report = report_noise(sample(frames=12).noisy)
    camera = report.channels[0].camera
    assert camera.gain.value == pytest.approx(4.0, rel=0.03)
    assert camera.offset.value == pytest.approx(100, rel=0.01)
    assert camera.read_noise.value == pytest.approx(5.6, rel=0.1)
    assert camera.offset.known
    assert camera.read_noise.known


def test_json_is_stable_and_comes_back():
    report = of(recorded(10, 4))
    told = json.loads(json.dumps(report.to_dict()))
    assert told["format"] == 1
    assert set(told) == {
        "format", "name", "axes", "dtype", "shape", "channels", "entries", "camera",
    }  # fmt: skip
    assert set(told["channels"][0]) == {
        "name", "method", "reliable", "camera", "curve", "light", "defects", "pattern", "course", "entries",
    }  # fmt: skip
    back = NoiseReport.from_dict(told)
    assert back.to_dict() == told
    assert [one.text for one in back.findings] == [one.text for one in report.findings]
    assert all(isinstance(one, Finding) for one in back.findings)
    with pytest.raises(QuietfieldError, match="no noise report"):
        NoiseReport.from_dict({"format": 1})


def test_a_report_is_made_once_and_can_be_cancelled():
    stack = Stack.of(recorded(10, 4), "TYX")
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        report_noise(stack, context)
    assert known_report(stack) is None
    report = report_noise(stack)
    assert known_report(stack) == report
    assert report_noise(stack.replace(name="other")).channels is report.channels


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((2, 40, 40), np.nan), np.full((3, 40, 40), 5.0), np.arange(1600.0).reshape(1, 40, 40),
        np.random.default_rng(0).normal(0, 1e100, (3, 40, 40)), np.zeros((1, 12, 12), np.uint8),
        np.where(np.random.default_rng(0).random((3, 64, 64)) < 0.5, np.nan, 3.0),
        np.random.default_rng(0).integers(0, 2, (4, 64, 64)).astype(bool),
    ],
    ids=["nan", "constant", "ramp", "huge", "tiny", "half-nan", "bool"],
)  # fmt: skip
def test_odd_stacks_get_a_report(pixels):
    report = of(pixels)
    assert json.dumps(report.to_dict(), allow_nan=False)
    assert all(entry.finding.text for entry in report.lines())


def test_planes_that_are_too_small_are_refused_in_a_sentence():
    with pytest.raises(QuietfieldError, match="at least 12 x 12"):
        of(np.zeros((3, 8, 8)))


def test_several_channels_have_a_report_each():
    bright = np.stack([recorded(30)[0], recorded(3, seed=1)[0]])
    report = report_noise(Stack.of(bright, "CYX", channel_names=("DAPI", "GFP")))
    assert [channel.name for channel in report.channels] == ["DAPI", "GFP"]
    assert report.channels[0].light.bright.value > 5 * report.channels[1].light.bright.value


def test_a_correlated_detector_from_single_planes():
    detector = Detector(read_noise=1.5, levels=65536, step=4.0, dark=100.0, smoothing=(0.0, 0.8))
    made = record(30 * SCENE.astype(np.float64), detector, np.random.default_rng(1))
    report = of(made.noisy, "YX")
    pattern = report.channels[0].pattern
    assert pattern.along_x[0] == pytest.approx(made.correlation[1], abs=0.05)
    assert line(report, "correlation").light == "caution"


@needs_data
def test_real_recordings():
    wide = report_noise(open_stack(DATA / "fmd" / "widefield_bpae_g_4frames_noisy.tif"))
    assert line(wide, "correlation").light == "caution"
    assert wide.channels[0].pattern.along_x[0] == pytest.approx(0.6, abs=0.1)
    mice = report_noise(open_stack(DATA / "fmd" / "confocal_mice_noisy.tif"))
    assert line(mice, "correlation").light == "good"
    w2s = report_noise(open_stack(DATA / "w2s" / "noisy_ch0.tif"))
    assert line(w2s, "correlation").light == "good"
    assert line(w2s, "brightness").finding.kind == noise_kinds.FIELDS_DIFFER
    assert abs(w2s.channels[0].pattern.along_x[0]) < 0.03
