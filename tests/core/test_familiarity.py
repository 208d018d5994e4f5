"""Findings about images that differ from the training images, and none about ordinary ones."""

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from core.findings import Finding, Kind, kinds
from core.instant.familiarity import examine
from core.instant.making.detectors import random_detector
from core.noise.estimate import estimate
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene
from tests.data import DATA, needs_data


def found(image: NDArray[np.generic]) -> dict[Kind, Finding]:
    """Findings by kind, without the problem of the estimate itself."""
    noise = estimate(image)
    findings = {finding.kind: finding for finding in examine(image, noise) if finding != noise.problem}
    for finding in findings.values():
        assert finding.value is not None
        assert finding.limit is not None
        assert finding.value > finding.limit or finding.kind == kinds.NOISE_NEGLIGIBLE
        assert finding.text.endswith(".")
    return findings


def clean(index: int = 6, photons: float = 30.0) -> NDArray[np.float64]:
    return photons * (scene((77, index), (512, 512)).astype(np.float64) + 0.02)


def noisy(index: int = 6, photons: float = 30.0) -> NDArray[np.float32]:
    return record(clean(index, photons), Detector(read_noise=1.0), np.random.default_rng(index)).noisy


def test_simulated_images_are_familiar():
    alarms, count = [], 0
    for index in range(60):
        draw = np.random.default_rng([3, index])
        light = (scene((78, index)).astype(np.float64) + 0.02) * 0.5 * 2000 ** draw.random()
        detector = replace(random_detector(draw), stripes=(0.0, 0.0), hot=0.0, dead=0.0)
        image = record(light, detector, draw).noisy
        noise = estimate(image)
        if noise.reliable:
            count += 1
            alarms += [f.text for f in examine(image, noise) if f.kind != kinds.NOISE_NEGLIGIBLE]
    assert count > 40
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize("along", ["rows", "columns"])
def test_stripes(along):
    image = noisy()
    lines = 0.5 * image.std() * np.random.default_rng(0).standard_normal((512, 1)).astype(np.float32)
    striped = image + (lines if along == "rows" else lines.T)
    assert found(striped)[kinds.STRIPES].details == {"along": along}
    assert kinds.STRIPES not in found(image)


def test_single_pixels_that_are_wrong():
    image = noisy()
    image[np.random.default_rng(0).random(image.shape) < 0.02] = 1000
    outlying = found(image)[kinds.PIXELS_OUTLYING]
    assert outlying.value == pytest.approx(0.02, abs=0.005)
    assert outlying.proposal is not None
    assert outlying.proposal.method == "median"


def test_saturation_is_given_as_a_share():
    image = noisy(9)
    saturated = found(np.minimum(image, np.quantile(image, 0.9)))[kinds.PIXELS_SATURATED]
    assert saturated.value == pytest.approx(0.1, abs=0.001)
    assert "10% of the pixels are saturated" in saturated.text


def test_jpeg():
    image = noisy(9)
    grey = np.clip((image - image.min()) / np.ptp(image) * 255, 0, 255).astype(np.uint8)
    assert kinds.JPEG_BLOCKS in found(imagecodecs.jpeg_decode(imagecodecs.jpeg_encode(grey, level=40)))
    assert kinds.JPEG_BLOCKS not in found(grey)


def test_no_noise_to_speak_of():
    y = np.linspace(0, 3, 256)
    assert kinds.NOISE_NEGLIGIBLE in found((1e4 * np.sin(y[:, None]) * np.cos(y)).astype(np.float32))


def test_problems_of_the_estimate_come_first_and_odd_pixels_do_no_harm():
    flat = np.full((64, 64), 7.0)
    noise = estimate(flat)
    assert noise.problem is not None
    assert noise.problem.kind == kinds.NOISE_TOO_FEW_PIXELS
    assert examine(flat, noise)[0] == noise.problem
    image = noisy()
    image[:20, :30] = np.nan
    assert not found(image)
    assert isinstance(examine(image[:20, :20], estimate(image[30:60, 30:60])), tuple)


@needs_data
@pytest.mark.parametrize(
    "name",
    ["w2s/noisy_ch0", "w2s/noisy_ch2", "fmd/confocal_mice_noisy", "fmd/confocal_fish_noisy",
     "fmd/confocal_BPAE_R_noisy", "fmd/widefield_bpae_g_4frames_noisy", "pairs16/bacteria_noisy",
     "stacks/convallaria_one_frame"],
)  # fmt: skip
def test_recorded_images_without_faults(name):
    pixels = tifffile.imread(DATA / f"{name}.tif")
    assert not found(pixels.reshape(-1, *pixels.shape[-2:])[0])


@needs_data
def test_lines_of_a_recorded_stack_are_seen():
    """Adjacent row means differ three times as much as the pixel noise explains."""
    stack = tifffile.imread(DATA / "stacks/nuclei_zyx.tif")
    for plane in (stack[0], stack[59]):
        assert found(plane)[kinds.STRIPES].details == {"along": "rows"}
