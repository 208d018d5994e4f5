"""Noise estimates of simulated images with known gain, and of real ones with measured ground truth."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.findings import kinds
from core.noise.blocks import chessboard_band, high_band
from core.noise.correlation import REACH, autocovariance, detrend
from core.noise.estimate import estimate, estimate_frames
from core.noise.noise_estimate import NoiseEstimate
from core.noise.spectrum import fit_blur, measure_bands, upper_energy
from core.noise.survey import Survey
from core.simulation import sample, specimen
from core.simulation.detection import Detector
from core.simulation.detection import record as recording
from core.simulation.scenes import scene
from core.stack import Stack
from tests.data import DATA, needs_data

Image = NDArray[np.float64]
GAIN, OFFSET, READ = 2.5, 100.0, 1.0
PHOTONS = [1, 3, 10, 30, 100, 300, 1000]


def unit(scene: Image) -> Image:
    """Scene from about 0 to 1, on a little background."""
    scene = scene - scene.min()
    return scene / np.percentile(scene, 99.5) + 0.02


def cells() -> Image:
    return unit(ndimage.gaussian_filter(specimen((512, 512), np.random.default_rng(3)), 1.1))


def fractal() -> Image:
    draw = np.random.default_rng(4)
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None]) + 1 / 512
    return unit(np.fft.irfft2(np.fft.rfft2(draw.normal(size=(512, 512))) / frequency**1.7, s=(512, 512)))


def leaves() -> Image:
    draw = np.random.default_rng(5)
    y, x = np.mgrid[:512, :512]
    scene = np.zeros((512, 512))
    for _ in range(500):
        (row, column), radius = draw.uniform(0, 512, 2), min(80, 3 / (draw.random() + 0.02))
        scene[(y - row) ** 2 + (x - column) ** 2 < radius**2] = draw.uniform(0, 1)
    return unit(ndimage.gaussian_filter(scene, 0.9))


def ramp() -> Image:
    return unit(np.linspace(0, 1, 512) + np.zeros((512, 1)))


SCENES = {make.__name__: make() for make in (cells, fractal, leaves, ramp)}


def record(scene: Image, photons: float, seed: int = 0, *, read: float = READ) -> Image:
    """Counts of a camera, rounded."""
    draw = np.random.default_rng([seed, int(photons)])
    return np.rint(OFFSET + GAIN * (draw.poisson(scene * photons) + read * draw.standard_normal(scene.shape)))


def of_frames(frames: Stack | NDArray[np.generic]) -> NoiseEstimate:
    """Noise of a stack of frames (T, Y, X)."""
    stack = frames if isinstance(frames, Stack) else Stack.of(frames, "TYX")
    return Survey.of(stack).noise().channels[0]


def excess(found: NoiseEstimate, scene: Image, photons: float) -> float:
    """Return the largest relative error of the variance at low, medium and high intensity."""
    means = OFFSET + GAIN * photons * np.percentile(scene, [5, 50, 99])
    truth = GAIN * (means - OFFSET) + GAIN**2 * READ**2 + 1 / 12
    return float(np.abs(found.model.variance(means) / truth - 1).max())


@pytest.mark.parametrize("photons", PHOTONS)
@pytest.mark.parametrize("name", SCENES)
def test_right_within_ten_percent_from_1_to_1000_photons(name, photons):
    found = estimate(record(SCENES[name], photons))
    error = max(0.1, 2.5 * found.gain_error / GAIN)  # at one photon the gain is less certain, and says so
    assert found.model.gain == pytest.approx(GAIN, rel=min(error, 0.3))
    assert excess(found, SCENES[name], photons) < 0.1
    assert found.blind_spot_valid
    assert found.warning is None
    assert max(abs(found.correlation_x), abs(found.correlation_y)) <= 0.061


def test_standard_errors_are_those_of_repeated_images():
    scene = SCENES["ramp"][:256, ::2]
    found = [estimate(record(scene, 30, seed)) for seed in range(12)]
    spread = np.std([one.model.gain for one in found], ddof=1)
    assert 0.5 < np.mean([one.gain_error for one in found]) / spread < 2
    assert np.mean([one.model.gain for one in found]) == pytest.approx(GAIN, rel=0.05)


def test_the_sample_that_ships():
    noisy = sample(frames=6).noisy
    found = of_frames(noisy)
    assert found.method == "frames"
    assert found.model.gain == pytest.approx(4.0, rel=0.03)
    assert found.model.constant == pytest.approx(16 * 1.4**2 - 4 * 100, abs=15)
    assert found.read_noise == pytest.approx(np.sqrt(16 * 1.4**2 + 16 * 0.5), rel=0.1)
    assert estimate(noisy.plane(T=0)).model.gain == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("photons", [1, 10, 100, 1000])
def test_frames_of_a_scene_that_rests_fades_or_moves(photons):
    scene = SCENES["cells"][:256, :256]
    resting = of_frames(np.stack([record(scene, photons, seed) for seed in range(4)]))
    fading = of_frames(np.stack([record(scene * 0.9**seed, photons, seed) for seed in range(4)]))
    moving = of_frames(np.stack([record(np.roll(scene, 2 * seed, 1), photons, seed) for seed in range(4)]))
    assert resting.method == fading.method == "frames"
    for found in (resting, fading, moving):
        assert excess(found, scene, photons) < 0.1
    if photons >= 100:
        assert moving.method == "plane"


def test_of_several_fields_the_middle_one_is_taken():
    rng = np.random.default_rng(4)
    fields = [300 + 200 * np.roll(SCENES["ramp"], 150 * at, 1) for at in range(4)]
    noisy = np.stack(
        [light + rng.normal(0, sd, light.shape) for light, sd in zip(fields, (10, 10, 11, 30), strict=True)]
    )
    found = of_frames(noisy)
    assert found.method == "plane"
    assert 9 < float(found.model.variance(400)) ** 0.5 < 12


@pytest.mark.parametrize("kernel", [[0.5, 0.5], [0.25, 0.5, 0.25]])
def test_correlated_noise_is_found_and_its_variance_too(kernel):
    noise = ndimage.convolve1d(20 * np.random.default_rng(8).standard_normal((512, 512)), kernel, axis=1)
    found = estimate(500 + 300 * SCENES["ramp"] + noise)
    truth = np.convolve(kernel, kernel)
    middle = len(kernel) - 1
    assert found.correlation_x == pytest.approx(truth[middle + 1] / truth[middle], abs=0.05)
    assert found.correlation_y == pytest.approx(0, abs=0.05)
    assert float(found.model.variance(650)) == pytest.approx(400 * truth[middle], rel=0.1)
    assert not found.blind_spot_valid
    assert found.warning is not None
    assert found.warning.value == found.correlation_x
    assert found.warning.details == {"along": "rows"}
    turned = estimate((500 + 300 * SCENES["ramp"] + noise).T)
    assert turned.warning is not None
    assert turned.warning.details == {"along": "columns"}


@pytest.mark.parametrize("name", SCENES)
def test_a_clean_image_has_no_noise(name):
    scene = SCENES[name]
    found = estimate((1000 * scene).astype(np.float32))
    assert float(np.sqrt(found.model.variance(500))) < 0.05 * 1000 * scene.std()
    assert found.blind_spot_valid


def test_clipped_saturated_and_padded_images():
    counts = record(SCENES["cells"], 30) - OFFSET
    truth = GAIN * 30 * 0.5 * GAIN + GAIN**2
    stretched = np.clip(counts - 8, 0, np.percentile(counts, 99)).astype(np.float32)
    found = estimate(stretched)
    assert found.saturated == pytest.approx((stretched == stretched.max()).mean())
    assert found.lowest == pytest.approx((stretched == 0).mean())
    assert float(found.model.variance(GAIN * 15 - 8)) == pytest.approx(truth, rel=0.1)
    padded = np.pad(counts, 100)
    assert estimate(padded).model.gain == pytest.approx(estimate(counts).model.gain, rel=0.1)
    hurt = counts.copy()
    hurt[10:30, 50:90] = np.nan
    assert estimate(hurt).model.gain == pytest.approx(estimate(counts).model.gain, rel=0.05)
    hot = counts.copy()
    hot.flat[::5003] = 65535
    assert estimate(hot).model.gain == pytest.approx(estimate(counts).model.gain, rel=0.1)


@given(factor=st.floats(1e-6, 1e6), shift=st.floats(-1e4, 1e4))
@settings(max_examples=10, deadline=None)
def test_counts_may_be_scaled_and_shifted(factor, shift):
    counts = record(SCENES["leaves"][:200, :200], 100)
    before, after = estimate(counts), estimate(counts * factor + shift)
    assert after.model.gain == pytest.approx(before.model.gain * factor, rel=0.02)
    variance = factor**2 * before.model.variance(200)
    assert after.model.variance(factor * 200 + shift) == pytest.approx(variance, rel=0.02)


@given(arrays.arrays(np.float32, st.tuples(st.integers(12, 40), st.integers(12, 40)),
                     elements=st.floats(-1e6, 1e6, width=32)))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_any_image_gives_finite_numbers(image):
    found = estimate(image)
    model = found.model
    assert np.isfinite([model.gain, model.constant, model.floor, found.read_noise, found.mean]).all()
    assert model.gain >= 0
    assert (model.variance(image) >= 0).all()


@pytest.mark.parametrize("image", [np.full((64, 64), 7), np.zeros((64, 64), bool), np.full((64, 64), np.nan)])
def test_without_anything_to_measure_it_says_so(image):
    found = estimate(image)
    assert not found.reliable
    assert found.problem is not None
    assert found.problem.kind == kinds.NOISE_TOO_FEW_PIXELS
    assert float(found.model.variance(7)) == 0


def test_too_small():
    with pytest.raises(QuietfieldError, match="at least 12 x 12"):
        estimate(np.zeros((11, 300)))


def test_bands_have_unit_energy_and_know_no_planes():
    noise = np.random.default_rng(0).standard_normal((516, 516)).astype(np.float32)
    for band in (high_band, chessboard_band):
        assert band(noise).energy.mean() == pytest.approx(1, abs=0.02)
    assert high_band(noise).structure.mean() == pytest.approx(1, abs=0.02)
    y, x = np.mgrid[:40, :40].astype(np.float32)
    for band in (high_band, chessboard_band):
        assert np.abs(band(3 * y - 2 * x + 7).energy).max() < 1e-6


@pytest.mark.parametrize("photons", [5, 50])
@pytest.mark.parametrize("smoothing", [(0.0, 0.45), (0.5, 0.5), (0.8, 0.8)])
def test_one_plane_of_correlated_noise(smoothing, photons):
    """If texture does not hide the noise, variance and correlation are those of the simulated detector."""
    detector = Detector(read_noise=1.0, smoothing=smoothing)
    good = reliable = 0
    for index in range(6):
        light = scene((77, index), (384, 384)).astype(np.float64) + 0.02
        known = recording(light * photons, detector, np.random.default_rng(index))
        found = estimate(known.noisy)
        means = np.percentile(known.mean, [10, 50, 90])
        error = np.sqrt(found.model.variance(means) / known.noise.variance(means)) - 1
        told = np.array([found.correlation_y, found.correlation_x]) - known.correlation[:2]
        good += bool((np.abs(error) < 0.15).all() and (np.abs(told) < 0.08).all()) or not found.reliable
        reliable += found.reliable
    assert good >= 5
    assert reliable >= (6 if photons == 5 else 3)


def test_structure_that_fills_an_image_is_not_taken_for_correlated_noise():
    reliable = 0
    for index in range(12):
        light = 1000 * (scene((77, index), (256, 256)).astype(np.float64) + 0.02)
        known = recording(light, Detector(read_noise=1.0), np.random.default_rng(index))
        found = estimate(known.noisy)
        middle = float(np.median(known.mean))
        right = 0.7 < found.model.variance(middle) / known.noise.variance(middle) < 1.4
        assert right or not found.reliable
        reliable += found.reliable
    assert reliable >= 8


@pytest.mark.parametrize("photons", [50, 500])
def test_dots_on_black_are_doubted(photons):
    """Only the dark background can be measured: the noise of the dots is extrapolated, and reported so."""
    draw = np.random.default_rng(0)
    dots = np.zeros((512, 512))
    dots[draw.integers(0, 512, 300), draw.integers(0, 512, 300)] = draw.gamma(1.5, 6, 300)
    dots = ndimage.gaussian_filter(dots, 0.8)
    light = photons * dots / np.percentile(dots[dots > 0.05 * dots.max()], 90)
    found = estimate(draw.poisson(light) + draw.normal(0, 0.5, light.shape))
    assert not found.reliable
    assert float(found.model.variance(0)) == pytest.approx(0.25, rel=0.15)


def test_blurs_are_found_from_bands_of_known_noise():
    noise = np.random.default_rng(2).standard_normal((512, 512)).astype(np.float32)
    for blur, expected in ((0.0, 0.0), (0.5, 0.261), (0.8, 0.672)):  # of sampled Gaussian weights
        image = ndimage.gaussian_filter(noise, blur) if blur else noise
        blocks = image.reshape(64, 8, 64, 8).swapaxes(1, 2).reshape(-1, 8, 8)
        found = fit_blur(*measure_bands(blocks, np.ones(len(blocks))))
        assert found.plausible
        assert found.y == pytest.approx(expected, abs=0.03)
        assert found.x == pytest.approx(expected, abs=0.03)
        assert found.variance * upper_energy(blocks).mean() == pytest.approx(image.var(), rel=0.15)


def test_autocovariance_survives_the_trend():
    """A box of two by two gives 1/2 and 1/4, also after planes and quarters were removed."""
    draw = np.random.default_rng(1)
    noise = ndimage.uniform_filter(draw.standard_normal((800, 800)), 2) * 2
    tiles = noise.reshape(100, 8, 100, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    y, x = np.mgrid[:8, :8]
    tiles = tiles + draw.normal(0, 5, (len(tiles), 1, 1)) * x + draw.normal(0, 5, (len(tiles), 1, 1)) * y
    patch = autocovariance(detrend(tiles), np.ones(len(tiles)))
    middle = patch[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2]
    assert middle == pytest.approx(np.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]), abs=0.04)
    assert patch == pytest.approx(patch[::-1, ::-1])


def real(name: str) -> NDArray[np.generic]:
    return tifffile.imread(DATA / f"{name}.tif")


@needs_data
@pytest.mark.parametrize(
    ("name", "frames"),
    [("fmd/confocal_BPAE_B", 50), ("fmd/confocal_mice", 50),
     ("fmd/confocal_fish", 50), ("pairs16/bacteria", 1000)],
)  # fmt: skip
def test_real_planes_against_the_scatter_about_their_means(name, frames):
    noisy, clean = (real(f"{name}_{kind}").astype(np.float64) for kind in ("noisy", "clean"))
    if frames == 1000:  # of another exposure
        clean = np.polyval(np.polyfit(clean.ravel(), noisy.ravel(), 1), clean)
    found = estimate(noisy)
    ranks = np.argsort(clean.ravel())
    for share in (0.3, 0.5, 0.7, 0.85):
        near = ranks[round((share - 0.05) * clean.size) : round((share + 0.05) * clean.size)]
        scatter = np.mean(np.square(noisy.ravel()[near] - clean.ravel()[near])) * frames / (frames - 1)
        assert float(found.model.variance(clean.ravel()[near].mean())) == pytest.approx(scatter, rel=0.15)


@needs_data
@pytest.mark.parametrize(
    ("name", "along_x", "along_y"),
    [("confocal_mice_4frames", 0.05, 0.0), ("twophoton_bpae_g_4frames", 0.066, 0.015),
     ("widefield_bpae_g_4frames", 0.577, 0.572)],
)  # fmt: skip
def test_correlation_of_real_frames(name, along_x, along_y):
    found = of_frames(real(f"fmd/{name}_noisy"))
    assert found.method == "frames"
    assert found.correlation_x == pytest.approx(along_x, abs=0.02)
    assert found.correlation_y == pytest.approx(along_y, abs=0.02)
    assert found.blind_spot_valid == ("widefield" not in name)


@needs_data
def test_widefield_warns_from_a_single_plane_too():
    found = estimate(real("fmd/widefield_bpae_g_4frames_noisy")[0])
    assert found.correlation_x == pytest.approx(0.577, abs=0.05)
    assert found.correlation_y == pytest.approx(0.572, abs=0.05)
    assert found.warning is not None
    assert found.warning.kind == kinds.NOISE_CORRELATED
    assert float(found.model.variance(52)) == pytest.approx(284, rel=0.2)


@needs_data
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_fields_of_w2s_do_not_warn(channel):
    stack = Stack.of(real(f"w2s/noisy_ch{channel}"), "TYX")
    found = of_frames(stack)
    assert found.method == "plane"  # they are different fields
    assert found.reliable
    assert found.warning is None
    assert max(abs(found.correlation_x), abs(found.correlation_y)) < 0.06


@needs_data
@pytest.mark.parametrize("name", ["nuclei_zyx", "timelapse_tyx", "lysosomes_live_tyx"])
def test_volumes_and_moving_scenes_are_judged_by_planes(name):
    found = of_frames(real(f"stacks/{name}")[10:14])
    assert found.method == "plane"
    assert found.model.gain > 0


def test_intensities_whose_squares_are_infinite_are_refused() -> None:
    pixels = np.random.default_rng(0).normal(0, 1e200, (64, 64))
    with pytest.raises(QuietfieldError, match="Divide the stack"):
        estimate(pixels)


@pytest.mark.parametrize("reached", [1e20, 1e300])
def test_one_absurd_pixel_is_ignored(reached: float) -> None:
    pixels = record(SCENES["leaves"][:256, :256], 100)
    expected = estimate(pixels)
    pixels[20, 30] = reached
    found = estimate(pixels)
    assert found.model.gain == pytest.approx(expected.model.gain, rel=0.02)
    assert found.problem is expected.problem is None


def plane_and_frames(factor: float) -> list[NoiseEstimate]:
    """Noise of a plane that needs the structure term, and of four frames, all times a factor."""
    draw = np.random.default_rng(8)
    frames = np.stack([record(SCENES["fractal"][:256, :256], 1000, seed) for seed in range(4)])
    dense = 1e4 * ndimage.gaussian_filter(draw.normal(size=(256, 256)), 1.0) + draw.normal(0, 20, (256, 256))
    found = [estimate(frames[0] * factor), estimate(dense * factor)]
    together = estimate_frames(frames * factor)
    assert together is not None
    return [*found, together]


@pytest.mark.parametrize("exponent", [-400, -60, -10, 10, 60, 400])
def test_a_power_of_two_changes_nothing_but_the_unit(exponent: int) -> None:
    factor = 2.0**exponent
    for before, after in zip(plane_and_frames(1.0), plane_and_frames(factor), strict=True):
        assert after == before.scaled(factor)
        assert np.array_equal(after.autocorrelation, before.autocorrelation)


@pytest.mark.parametrize("factor", [1e-30, 1e-3, 1000.0, 1e30])
def test_any_factor_changes_nothing_beyond_rounding(factor: float) -> None:
    for before, after in zip(plane_and_frames(1.0), plane_and_frames(factor), strict=True):
        assert after.model.gain == pytest.approx(before.model.gain * factor, rel=1e-4)
        variance = before.model.variance(before.mean) * factor**2
        assert after.model.variance(after.mean) == pytest.approx(variance, rel=1e-4)
        assert [f.kind for f in after.findings] == [f.kind for f in before.findings]


@pytest.mark.parametrize("photons", [5, 10, 20])
def test_pixels_without_photons_are_not_taken_for_clipped_ones(photons: float) -> None:
    """Without read noise, the smallest value is that of many dark pixels, and the variance there is 0."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:384, :384]
    scene = sum(
        height * np.exp(-((y - v) ** 2 + (x - h) ** 2) / 200)
        for v, h, height in rng.uniform((0, 0, 0.2), (384, 384, 1), (60, 3))
    )
    truth = photons * (scene + 0.05)
    found = estimate(np.rint(100 + 5.0 * rng.poisson(truth)).astype(np.uint16))
    assert found.reliable
    assert found.model.gain == pytest.approx(5, rel=0.06)
    assert found.model.variance(100 + 5 * truth).mean() == pytest.approx(25 * truth.mean(), rel=0.06)
