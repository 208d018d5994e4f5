"""Calibrations: right on simulated cameras, saved by name, used for later stacks, refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import noise_kinds
from core.instant.method import Instant
from core.noise.calibrating import calibrate
from core.noise.calibration import Calibration
from core.noise.cameras import (
    load_camera,
    remove_camera,
    save_camera,
    saved_cameras,
    with_camera,
)
from core.noise.models import PoissonGaussian
from core.noise.report import report_noise
from core.noise.survey import Survey
from core.progress import Cancelled, Context
from core.stack import Stack

SHAPE = (192, 192)


def recorded(
    light: NDArray[np.float64], frames: int, *, gain: float, offset: float, read: float, seed: int = 0
) -> Stack:
    """Frames of a scene given in photons; `read` in photons too."""
    camera = PoissonGaussian.camera(gain=gain, offset=offset, read_noise=gain * read)
    mean = np.repeat(offset + gain * light[None], frames, axis=0)
    counts = camera.sample(mean, np.random.default_rng(seed))
    return Stack.of(np.clip(np.rint(counts), 0, 65535).astype(np.uint16), "TYX", name="frames.tif")


def vignetted(photons: float) -> NDArray[np.float64]:
    """A uniform light that decreases towards the edges."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / SHAPE[0] - 0.5
    return photons * (1 - (x**2 + y**2))


DARK = np.zeros(SHAPE)
CLIPPED = np.random.default_rng(0).poisson(0.2, (3, 96, 96)).astype(np.uint16)


@pytest.mark.parametrize("photons", [3, 30, 300])
@pytest.mark.parametrize(("gain", "offset", "read"), [(2.5, 100, 1.6), (0.5, 400, 1.0), (20.0, 500, 2.0)])
def test_dark_frames_and_a_flat_stack_give_the_camera(photons, gain, offset, read):
    camera = {"gain": gain, "offset": offset, "read": read}
    dark = recorded(DARK, 10, **camera)
    flat = recorded(vignetted(photons), 12, **camera, seed=1)
    made = calibrate("my camera", dark=dark, flat=flat)
    assert made.gain == pytest.approx(gain, rel=0.03)
    assert made.offset == pytest.approx(offset, abs=0.05 * gain * read)
    rounding = np.sqrt((gain * read) ** 2 + 1 / 12)
    assert made.read_noise == pytest.approx(rounding, rel=0.03)
    assert abs(made.gain - gain) < 4 * made.gain_error
    assert made.shape == SHAPE
    assert made.dtype == "uint16"


def test_hot_pixels_and_a_flickering_lamp_do_not_matter():
    camera = {"gain": 2.5, "offset": 100.0, "read": 1.6}
    dark = recorded(DARK, 10, **camera)
    dark.source.array[:, ::37, ::41] += (
        np.random.default_rng(0).integers(0, 3000, (10, 6, 5)).astype(np.uint16)
    )
    jitter = np.random.default_rng(1).normal(1, 0.03, 12)
    frames = [recorded(vignetted(100 * one), 1, **camera, seed=n).read()[0] for n, one in enumerate(jitter)]
    made = calibrate("a", dark=dark, flat=Stack.of(np.stack(frames), "TYX"))
    assert made.gain == pytest.approx(2.5, rel=0.03)
    assert made.offset == pytest.approx(100, abs=0.2)
    assert made.read_noise == pytest.approx(4.0, rel=0.05)


def test_the_fixed_pattern_is_measured():
    camera = {"gain": 2.5, "offset": 100.0, "read": 1.6}
    pattern = np.random.default_rng(2).normal(0, 3, SHAPE)
    dark = recorded(DARK, 12, **camera).read() + np.rint(pattern).astype(int)
    made = calibrate("a", dark=Stack.of(dark.astype(np.uint16), "TYX"))
    assert made.pattern == pytest.approx(3.0, rel=0.1)
    assert made.read_noise == pytest.approx(4.0, rel=0.05)
    assert made.gain is None


def test_repeats_alone_give_gain_and_offset_where_parts_are_dark():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    scene = 30.0 * ((y % 48 - 24) ** 2 + (x % 48 - 24) ** 2 < 150) + 0.3
    made = calibrate("a", repeats=recorded(scene, 8, gain=2.5, offset=100, read=1.6))
    assert made.gain == pytest.approx(2.5, rel=0.05)
    assert made.offset == pytest.approx(100, abs=1)
    assert made.read_noise == pytest.approx(4.0, rel=0.1)


def test_a_flat_stack_without_dark_frames_knows_no_offset():
    made = calibrate("a", flat=recorded(vignetted(300), 8, gain=2.5, offset=100, read=1.6))
    assert made.gain == pytest.approx(2.5, rel=0.05)
    assert made.offset is None
    stack = recorded(vignetted(20), 1, gain=2.5, offset=100, read=1.6)
    noise = Survey.of(with_camera(stack, made)).noise().channels[0]
    assert noise.model.gain == made.gain


@pytest.mark.parametrize(
    ("stacks", "words"),
    [
        ({}, "Nothing to calibrate from"),
        ({"dark": np.full((3, 96, 96), 100, np.uint16)}, "All pixels of the dark frames .* are 100"),
        ({"dark": CLIPPED}, "cuts off its noise"),
        ({"dark": (96, 96), "flat": (96, 80)}, "same mode"),
        ({"dark": (96, 96), "flat": np.full((3, 96, 96), 5.0)}, "same mode"),
        ({"dark": (96, 96), "flat": (96, 96)}, "not brighter than the dark frames"),
        ({"flat": (96, 96), "repeats": (96, 96)}, "both give the gain"),
        ({"dark": np.full((3, 16, 16), 100, np.uint16)}, "needs at least"),
        ({"dark": np.where(np.eye(96)[None] > 0, np.nan, 3.0)}, "not finite"),
        ({"flat": np.full((1, 96, 96), 7, np.uint16)}, "one frame"),
        ({"dark": (96, 96), "flat": "saturated"}, "saturated"),
    ],
)  # fmt: skip
def test_what_cannot_calibrate_is_refused_in_a_sentence(stacks, words):
    made = {}
    for what, pixels in stacks.items():
        if isinstance(pixels, tuple):
            made[what] = recorded(np.zeros(pixels), 4, gain=2.0, offset=100, read=2.0, seed=len(made))
        elif isinstance(pixels, str):
            bright = recorded(np.full((96, 96), 3000.0), 4, gain=2.0, offset=100, read=2.0).read()
            made[what] = Stack.of(np.minimum(bright, 6100), "TYX")
        else:
            made[what] = Stack.of(pixels, "TYX", name="made up")
    with pytest.raises(QuietfieldError, match=words):
        calibrate("a", **made)


def test_two_channels_and_moving_repeats_are_refused():
    with pytest.raises(QuietfieldError, match="one channel"):
        calibrate("a", dark=Stack.of(np.zeros((2, 64, 64), np.uint16), "CYX"))
    moving = [
        recorded(np.roll(60 * np.eye(192).cumsum(1), 20 * t, 1), 1, gain=2.0, offset=100, read=1.0)
        for t in range(4)
    ]
    with pytest.raises(QuietfieldError, match="static scene"):
        calibrate("a", repeats=Stack.of(np.concatenate([one.read() for one in moving]), "TYX"))


def test_calibrating_can_be_cancelled():
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        calibrate("a", dark=recorded(DARK, 3, gain=2.0, offset=100, read=1.0), context=context)


KNOWN = Calibration(
    name="sCMOS fast", gain=2.5, gain_error=0.01, offset=100.0, offset_error=0.1, read_noise=4.0,
    read_noise_error=0.02, shape=SHAPE, dtype="uint16", made_from="dark frames (d.tif)",
)  # fmt: skip


def test_cameras_are_saved_by_name(tmp_path: Path):
    folder = tmp_path / "cameras"
    assert saved_cameras(folder) == ()
    save_camera(KNOWN, folder)
    assert saved_cameras(folder) == ("sCMOS fast",)
    assert load_camera("sCMOS fast", folder) == KNOWN
    with pytest.raises(QuietfieldError, match="already a camera"):
        save_camera(KNOWN, folder)
    save_camera(Calibration(name="sCMOS fast", offset=3.0), folder, overwrite=True)
    assert load_camera("sCMOS fast", folder).offset == 3.0
    with pytest.raises(QuietfieldError, match="Did you mean 'sCMOS fast'"):
        load_camera("scmos fast", folder)
    remove_camera("sCMOS fast", folder)
    assert saved_cameras(folder) == ()


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", "a\\b", ".hidden", "x" * 81, "a\nb", "con:1"])
def test_odd_names_are_refused(name, tmp_path):
    with pytest.raises(QuietfieldError, match="cannot be the name"):
        save_camera(Calibration(name=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_damaged_files_are_refused_in_a_sentence(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(QuietfieldError):
        load_camera("a", tmp_path)


def test_numbers_that_are_none_are_refused(tmp_path):
    odd = (
        ("gain", -1.0), ("gain", "x"), ("gain", 10**400), ("offset", float("nan")), ("shape", [3]),
        ("shape", [float("inf"), 1]), ("read_noise", -1),
    )  # fmt: skip
    for name, value in odd:
        (tmp_path / "a.json").write_text(json.dumps({**KNOWN.to_dict(), name: value}))
        with pytest.raises(QuietfieldError):
            load_camera("a", tmp_path)


def test_the_noise_of_a_stack_of_that_camera_is_the_calibrated_one():
    bright = recorded(vignetted(300) + 100, 1, gain=2.5, offset=100, read=1.6)  # says nothing of its offset
    stack = with_camera(bright, KNOWN)
    noise = Survey.of(stack).noise().channels[0]
    assert noise.model == PoissonGaussian.camera(gain=2.5, offset=100.0, read_noise=4.0)
    assert Survey.of(stack).measured().channels[0] == Survey.of(bright).noise().channels[0]
    report = report_noise(stack)
    assert report.camera == "sCMOS fast"
    offset = report.channels[0].camera.offset
    assert (offset.value, offset.known) == (pytest.approx(100), True)
    median = np.median(vignetted(300)) + 100
    assert report.channels[0].light.median.value == pytest.approx(median, rel=0.03)
    kinds = [entry.finding.kind for entry in report.lines()]
    assert noise_kinds.CALIBRATION_FITS in kinds
    assert with_camera(stack, KNOWN) is stack
    assert Survey.of(with_camera(stack, None)).camera is None


def test_another_camera_size_or_type_is_said():
    other = recorded(vignetted(300), 1, gain=9.0, offset=100, read=1.6)
    kinds = {entry.finding.kind for entry in report_noise(with_camera(other, KNOWN)).lines()}
    assert noise_kinds.CALIBRATION_DIFFERS in kinds
    small = recorded(vignetted(300)[:96], 1, gain=2.5, offset=100, read=1.6)
    kinds = {entry.finding.kind for entry in report_noise(with_camera(small, KNOWN)).lines()}
    assert noise_kinds.CALIBRATION_SIZE in kinds
    assert noise_kinds.CALIBRATION_DIFFERS not in kinds
    floating = Stack.of(small.read().astype(np.float32), "TYX")
    kinds = {entry.finding.kind for entry in report_noise(with_camera(floating, KNOWN)).lines()}
    assert noise_kinds.CALIBRATION_TYPE in kinds


def test_instant_uses_the_calibration():
    stack = recorded(vignetted(30) + 5, 1, gain=2.5, offset=100, read=1.6)
    bound = Instant().bind(with_camera(stack, KNOWN), Context())
    assert bound.noise.channels[0].model.offset == pytest.approx(100)  # type: ignore[attr-defined]
