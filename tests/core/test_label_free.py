"""Label-free images are recognised, their noise is right, and positivity is switched off for them."""

from __future__ import annotations

import numpy as np
import pytest

from core.catalogue import create
from core.files import open_stack
from core.findings import noise_kinds
from core.noise.label_free import is_label_free
from core.noise.report import report_noise
from core.noise.survey import Survey
from core.progress import Context
from core.simulation import sample
from core.simulation.experiment import Simulation
from core.simulation.label_free import CAMERA, label_free_sample
from core.stack import Stack
from tests.data import DATA, needs_data


def test_the_sample_is_the_same_every_time_and_matches_its_truth():
    first, second = label_free_sample(frames=3), label_free_sample(frames=3)
    assert np.array_equal(first.noisy.read(), second.noisy.read())
    clean = first.clean.read().astype(np.float64)
    mean = label_free_sample(frames=30).noisy.read().mean(axis=0)
    variance = CAMERA.noise.variance(clean) / 30
    assert np.mean(np.square(mean - clean) / variance) == pytest.approx(1, abs=0.03)
    background = np.median(clean)
    assert background - np.quantile(clean, 0.01) > 30  # dark structures
    assert np.quantile(clean, 0.99) - background > 8  # bright halos


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("frames", [1, 6])
def test_its_noise_is_right_although_the_background_is_not_dark(seed, frames):
    made = label_free_sample(seed, frames)
    noise = Survey.of(made.noisy).noise().channels[0]
    assert noise.reliable
    means = np.quantile(made.clean.read(), [0.05, 0.5, 0.95])
    assert noise.model.variance(means) == pytest.approx(CAMERA.noise.variance(means), rel=0.1)
    report = report_noise(made.noisy)
    offset = report.channels[0].camera.offset
    room = 0.1 * (offset.high - offset.low)  # an interval of 95 % may miss by a little
    assert offset.low - room < CAMERA.offset < offset.high + room
    if frames == 1:
        assert not offset.known  # no part is dark
    elif offset.known:  # from the skewness of the noise of frames
        assert offset.value == pytest.approx(CAMERA.offset, rel=0.1)
    assert any(entry.finding.kind == noise_kinds.LABEL_FREE for entry in report.lines())


def test_fluorescence_is_not_taken_for_it():
    assert not is_label_free(sample(frames=3).noisy)
    for specimen in ("filament-network", "nuclei", "tissue", "vesicles", "bacteria", "haze"):
        made = Simulation(specimen=specimen, size=192, planes=2, photons=30.0).run()
        assert not is_label_free(made.noisy), specimen


@pytest.mark.parametrize(
    "pixels", [np.zeros((40, 40)), np.full((40, 40), np.nan), np.ones((8, 8)), np.eye(64)]
)
def test_odd_images_are_not_label_free(pixels):
    assert not is_label_free(Stack.of(pixels, "YX"))


def test_positivity_is_switched_off_with_a_reason():
    method = create("deconoising", {"positivity": 1.0})
    resolved = method.resolve(label_free_sample(frames=3, shape=(128, 128)).noisy, Context())
    assert resolved.method.positivity == 0.0
    assert [f.kind for f in resolved.findings if f.kind == noise_kinds.POSITIVITY_OFF]
    kept = method.resolve(sample(frames=3, shape=(128, 128)).noisy, Context())
    assert kept.method.positivity == 1.0


@needs_data
@pytest.mark.parametrize(
    "name",
    [
        "w2s/noisy_ch0", "w2s/noisy_ch1", "w2s/noisy_ch2", "fmd/confocal_mice_noisy",
        "fmd/confocal_BPAE_G_noisy", "fmd/widefield_bpae_g_4frames_noisy",
        "fmd/twophoton_bpae_g_4frames_noisy", "stacks/convallaria_one_frame",
    ],
)  # fmt: skip
def test_recorded_fluorescence_is_not_taken_for_it(name):
    assert not is_label_free(open_stack(DATA / f"{name}.tif"))
