"""Measures against scikit-image, closed forms and the figures published for real data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage import metrics as skimage_metrics

from core.errors import QuietfieldError
from core.findings import kinds
from core.methods.base import Block, Operation
from core.methods.stream import streaming
from core.progress import Cancelled, Context
from core.quality.metric import Metric
from core.quality.metrics import add, mean, measure, measure_plane, metrics, remove
from core.quality.referenced import fit_affine, mean_over_std, ssim
from core.quality.stacks import mean_of_frames, measure_stack
from core.stack import Stack
from tests.data import DATA, needs_data

FMD = {"BPAE_B": 28.43, "BPAE_G": 28.22, "BPAE_R": 26.68, "mice": 27.44, "fish": 22.08}
W2S = {0: 21.60, 1: 18.14, 2: 21.45}


def pair(seed: int = 0, shape: tuple[int, ...] = (64, 80)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.cumsum(rng.normal(size=shape), axis=-1) * 20 + 500
    return rng.poisson(np.clip(truth, 1, None)).astype(np.uint16), truth


def against_skimage(image: np.ndarray, reference: np.ndarray) -> None:
    found = measure(image, reference)
    x, r = image.astype(np.float64), reference.astype(np.float64)
    span = r.max() - r.min()
    similar = skimage_metrics.structural_similarity(
        x, r, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=span
    )
    assert found["data_range"] == span
    assert found["ssim"] == pytest.approx(similar, abs=1e-9)
    assert found["psnr"] == pytest.approx(
        skimage_metrics.peak_signal_noise_ratio(r, x, data_range=span), abs=1e-9
    )
    assert found["nrmse"] == pytest.approx(
        skimage_metrics.normalized_root_mse(r, x, normalization="min-max"), rel=1e-12
    )


def test_equals_scikit_image_on_synthetic_data() -> None:
    against_skimage(*pair())


@needs_data
@pytest.mark.parametrize(("name", "raw"), FMD.items())
def test_published_raw_psnr_of_fmd_and_scikit_image(name: str, raw: float) -> None:
    noisy = tifffile.imread(DATA / f"fmd/confocal_{name}_noisy.tif")
    clean = tifffile.imread(DATA / f"fmd/confocal_{name}_clean.tif")
    assert measure(noisy, clean)["psnr"] == pytest.approx(raw, abs=0.01)
    against_skimage(noisy, clean)


@needs_data
@pytest.mark.parametrize(("channel", "raw"), W2S.items())
def test_published_raw_affine_psnr_of_w2s(channel: int, raw: float) -> None:
    noisy, clean = (
        Stack.of(tifffile.imread(DATA / f"w2s/{kind}_ch{channel}.tif"), "TYX") for kind in ("noisy", "clean")
    )
    found = measure_stack(noisy, clean, affine=True)
    assert found.mean["psnr"] == pytest.approx(raw, abs=0.01)
    assert found.mean["si_psnr"] == pytest.approx(found.mean["psnr"], abs=1e-9)
    assert len(found.planes) == found.total == 16
    if channel == 2:
        against_skimage(noisy.plane(T=5), clean.plane(T=5))


@needs_data
def test_published_raw_psnr_of_sixteen_bit_bacteria() -> None:
    noisy, clean = (tifffile.imread(DATA / f"pairs16/bacteria_{kind}.tif") for kind in ("noisy", "clean"))
    assert measure(noisy, clean)["psnr"] == pytest.approx(22.32, abs=0.01)


def test_a_constant_error_has_the_closed_form() -> None:
    reference = np.tile(np.arange(256.0), (32, 1))
    found = measure(reference + 2.55, reference)
    assert found["psnr"] == pytest.approx(40.0)
    assert found["nrmse"] == pytest.approx(0.01)
    assert found["si_psnr"] > 200
    assert found["snr"] > 200, "SNR compares variances, which an offset leaves alone"
    other = measure(reference + 2.55, reference, data_range=25500)
    assert other["psnr"] == pytest.approx(80.0)
    assert other["data_range"] == 25500


def test_snr_is_the_ratio_of_variances() -> None:
    reference = np.tile([0.0, 10.0], (64, 32))
    error = np.tile([[1.0], [-1.0]], (32, 64))
    assert measure(reference + error, reference)["snr"] == pytest.approx(10 * math.log10(25))


@pytest.mark.filterwarnings("error")
def test_a_perfect_image_is_infinitely_good() -> None:
    _, truth = pair()
    found = measure(truth, truth)
    assert found["psnr"] == found["snr"] == math.inf
    assert found["ssim"] == pytest.approx(1.0)
    assert found["nrmse"] == 0.0


def si_psnr_as_published(reference: np.ndarray, image: np.ndarray) -> float:
    """Weigert et al. 2018: standardised reference, zero-mean image scaled by least squares, its own range."""
    g = (reference - reference.mean()) / reference.std()
    x = image - image.mean()
    x = x * (np.sum(g * x) / np.sum(x * x))
    return float(10 * np.log10((g.max() - g.min()) ** 2 / np.mean((g - x) ** 2)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.floats(-5, 5).filter(lambda a: abs(a) > 0.01), st.floats(-1e4, 1e4))
def test_scale_invariant_psnr_is_the_published_one_and_ignores_scale(seed: int, a: float, b: float) -> None:
    noisy, truth = pair(seed, (20, 24))
    expected = si_psnr_as_published(truth, noisy.astype(np.float64))
    assert measure(a * noisy + b, truth)["si_psnr"] == pytest.approx(expected, abs=1e-6)
    assert measure(a * noisy + b, truth, affine=True)["psnr"] == pytest.approx(expected, abs=1e-6)


def test_affine_fit_is_that_of_least_squares() -> None:
    noisy, truth = pair()
    a, b = np.polyfit(noisy.ravel().astype(np.float64), truth.ravel(), 1)
    np.testing.assert_allclose(fit_affine(noisy, truth), a * noisy + b, rtol=1e-9)
    np.testing.assert_allclose(fit_affine(np.full_like(truth, 7), truth), truth.mean())


def test_mean_over_std() -> None:
    assert mean_over_std(np.array([[1, 3], [1, 3]], np.uint8)) == 2.0
    assert mean_over_std(np.full((4, 4), 5)) == math.inf
    assert math.isnan(mean_over_std(np.zeros((4, 4))))


def test_planes_are_averaged_and_a_single_reference_serves_all() -> None:
    noisy, truth = zip(*(pair(seed) for seed in range(3)), strict=True)
    whole = measure(np.stack(noisy), np.stack(truth))
    single = [measure(n, t) for n, t in zip(noisy, truth, strict=True)]
    assert whole == mean(single)
    assert whole["psnr"] == pytest.approx(sum(m["psnr"] for m in single) / 3)
    same = measure(np.stack(noisy), truth[0])
    assert same["psnr"] == pytest.approx(sum(measure(n, truth[0])["psnr"] for n in noisy) / 3)


def test_small_planes_have_no_ssim_but_everything_else() -> None:
    noisy, truth = pair(shape=(10, 40))
    found = measure(noisy, truth)
    assert math.isnan(found["ssim"])
    assert math.isfinite(found["psnr"])


def test_ssim_is_symmetric() -> None:
    noisy, truth = pair()
    assert ssim(noisy, truth, data_range=100) == pytest.approx(ssim(truth, noisy, data_range=100), abs=1e-12)


@pytest.mark.parametrize(
    ("image", "reference", "words"),
    [
        (np.zeros((8, 8)), np.zeros((8, 9)), "same rows and columns"),
        (np.zeros((3, 8, 8)), np.zeros((2, 8, 8)), "as many as the image"),
        (np.zeros(8), np.zeros(8), "no planes"),
        (np.ones((8, 8)), np.full((8, 8), 7), "Every pixel of the reference is 7"),
        (np.full((8, 8), np.nan), np.eye(8), "no recorded pixel"),
        (np.eye(8), np.where(np.eye(8) > 0, np.inf, 0.0), "Every pixel of the reference is 0"),
    ],
)
def test_what_cannot_be_measured_is_said(image: np.ndarray, reference: np.ndarray, words: str) -> None:
    with pytest.raises(QuietfieldError, match=words):
        measure(image, reference)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_a_range_must_be_positive(wrong: float) -> None:
    with pytest.raises(QuietfieldError, match="must be above 0"):
        measure(np.eye(8), np.eye(8), data_range=wrong)


def test_values_whose_squares_overflow_are_refused() -> None:
    huge = np.random.default_rng(0).random((16, 16)) * 1e300
    with pytest.raises(QuietfieldError, match="squares overflow"):
        measure(huge, huge)
    large = huge / 1e300 * 9e74  # the largest that are allowed
    assert measure(large, large[::-1].copy())["psnr"] > 0


def test_every_measure_is_described_once() -> None:
    assert len({m.name for m in metrics()}) == len(metrics()) == 8
    assert [m.name for m in metrics() if not m.needs_reference] == ["mean_over_std"]
    alone = measure_plane(np.eye(12), None)
    assert list(alone) == [m.name for m in metrics()]
    assert all(math.isnan(alone[m.name]) == m.needs_reference for m in metrics())


def test_a_metric_from_outside_is_measured_like_ours() -> None:
    largest = Metric(
        name="largest-error", label="Largest error", unit="counts", better="lower",
        definition="Largest absolute difference to the reference.",
        compute=lambda planes: float(np.abs(planes.image - planes.reference).max()),
    )  # fmt: skip
    noisy, truth = pair()
    add(largest)
    try:
        with pytest.raises(ValueError, match="two metrics"):
            add(largest)
        assert measure(noisy, truth)["largest-error"] == np.abs(noisy - truth).max()
        assert math.isnan(measure_plane(noisy, None)["largest-error"])
    finally:
        remove("largest-error")
    assert "largest-error" not in measure(noisy, truth)


def test_stacks_are_measured_plane_by_plane() -> None:
    rng = np.random.default_rng(5)
    truth = np.cumsum(rng.normal(size=(2, 3, 16, 20)), axis=-1)
    noisy = truth + rng.normal(size=(4, 2, 3, 16, 20))
    stack = Stack.of(noisy.astype(np.float32), "TCZYX")
    seen: list[float] = []
    found = measure_stack(
        stack, Stack.of(truth, "CZYX"), context=Context(lambda fraction, _: seen.append(fraction))
    )
    assert found.total == len(found.planes) == len(set(found.indices)) == 24
    assert found.note == "all 24 planes"
    assert seen[-1] == 1.0
    for index, plane in zip(found.indices, found.planes, strict=True):
        assert plane == measure(stack.source.read(stack.region())[index], truth[index[1:]])
    some = measure_stack(stack, Stack.of(truth, "CZYX"), limit=5)
    assert some.note == "5 of 24 planes, evenly spread"
    assert set(some.indices) < set(found.indices)
    assert some.mean == mean(found.planes[found.indices.index(i)] for i in some.indices)
    assert math.isnan(measure_stack(stack, None).mean["psnr"])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Double(Operation):
    """Twice the pixels."""

    def halo(self, axes: str) -> dict[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[np.ndarray, ...]:
        return (2 * block.pixels,)


def test_stacks_that_are_computed_when_read_are_measured_too() -> None:
    noisy, truth = (np.stack(planes) for planes in zip(pair(0), pair(1), strict=True))
    with streaming(Stack.of(noisy, "TYX"), Double()) as computed:
        assert measure_stack(computed, Stack.of(truth, "TYX")).mean == measure(2.0 * noisy, truth)


def test_a_reference_of_the_same_shape_fits_whatever_its_axes_are_called() -> None:
    noisy, truth = (np.stack(planes) for planes in zip(pair(0), pair(1), strict=True))
    found = measure_stack(Stack.of(noisy, "ZYX"), Stack.of(truth, "TYX"))
    assert found.mean == measure(noisy, truth)
    assert measure_stack(Stack.of(noisy[0], "YX"), Stack.of(truth[:1], "TYX")).note == "1 plane"


@pytest.mark.parametrize(
    ("axes", "shape", "words"),
    [
        ("TYX", (3, 8, 8), r"3 along time \(T\) where the stack has 4"),
        ("CYX", (1, 8, 8), r"1 along channel \(C\) where the stack has 2"),
        ("YX", (8, 8), r"1 along channel \(C\)"),
        ("YX", (8, 9), "8 x 9 pixels, not 8 x 8"),
    ],
)
def test_references_that_do_not_fit_are_refused(axes: str, shape: tuple[int, ...], words: str) -> None:
    stack = Stack.of(np.ones((4, 2, 8, 8)), "TCYX", name="cells.tif")
    with pytest.raises(QuietfieldError, match=words):
        measure_stack(stack, Stack.of(np.ones(shape), axes, name="truth.tif"))


def test_the_plane_that_cannot_be_measured_is_named_and_work_can_be_stopped() -> None:
    pixels = np.stack([np.eye(8)] * 3)
    pixels[1, 0, 0] = 1e80
    stack = Stack.of(pixels, "TYX", name="cells.tif")
    with pytest.raises(QuietfieldError, match=r"cells.tif \(time 2\): The image holds values as large"):
        measure_stack(stack, Stack.of(np.eye(8), "YX"))
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        measure_stack(stack, Stack.of(np.eye(8), "YX"), context=context)
    with pytest.raises(QuietfieldError, match="at least 1"):
        measure_stack(stack, None, limit=0)


def test_mean_of_frames_is_the_mean_over_time() -> None:
    pixels = np.random.default_rng(2).poisson(300, (7, 2, 3, 32, 40)).astype(np.uint16)
    stack = Stack.of(pixels, "TCZYX", name="cells.tif", spacing={"T": 2.0, "X": 0.1})
    found = mean_of_frames(stack)
    assert (found.axes, found.dtype) == ("CZYX", np.float32)
    np.testing.assert_allclose(found.read(), pixels.mean(axis=0), rtol=1e-6)
    assert dict(found.meta.spacing) == {"X": 0.1}
    assert len(found.meta.findings) == 1
    assert (found.meta.findings[0].kind, found.meta.findings[0].value) == (kinds.FRAMES_AVERAGED, 7)


def test_a_mean_needs_frames_and_leaves_out_what_was_not_recorded() -> None:
    with pytest.raises(QuietfieldError, match="single time point"):
        mean_of_frames(Stack.of(np.ones((3, 8, 8)), "ZYX"))
    pixels = np.random.default_rng(0).poisson(300, (5, 32, 32)).astype(np.float32)
    expected = pixels[:4].astype(np.float64)
    pixels[4] = 0  # a blank frame
    pixels[2, 1, 1], pixels[:, 5, 5] = np.inf, np.nan
    expected[2, 1, 1], expected[:, 5, 5] = np.nan, np.nan
    found = mean_of_frames(Stack.of(pixels, "TYX")).read()
    known = np.isfinite(expected).any(0)
    np.testing.assert_allclose(found[known], np.nanmean(expected[:, known], axis=0), rtol=1e-6)
    assert np.isnan(found[5, 5])


def test_pixels_that_were_not_recorded_are_left_out_of_metrics() -> None:
    rng = np.random.default_rng(1)
    truth = gaussian_filter(rng.random((40, 60)), 2) * 1000
    noisy = truth + rng.normal(0, 5, truth.shape)
    wanted = measure(noisy[:, 14:], truth[:, 14:])
    for fill in (np.nan, -50.0):
        image, reference = noisy.copy(), truth.copy()
        image[:, :14], reference[:, :14] = fill, 400
        found = measure_stack(Stack.of(image, "YX"), Stack.of(reference, "YX")).mean
        for name, value in wanted.items():
            assert found[name] == pytest.approx(value), (fill, name)


def test_scenes_that_bleach_or_move_are_noticed() -> None:
    rng = np.random.default_rng(3)
    scene = 100 + 80 * np.sin(np.arange(96) / 7)[:, None] * np.sin(np.arange(96) / 9)

    def differ(frames: np.ndarray) -> bool:
        found = mean_of_frames(Stack.of(rng.poisson(frames), "TYX")).meta.findings
        return kinds.FRAMES_DIFFER in [finding.kind for finding in found]

    assert not differ(np.stack([scene] * 20))
    assert differ(np.stack([scene * 0.97**t for t in range(20)]))
    assert differ(np.stack([np.roll(scene, t, axis=1) for t in range(20)]))
    assert differ(np.stack([np.roll(scene, 37 * t, axis=t % 2) for t in range(20)]))
    assert not differ(np.zeros((4, 5, 9)))


@needs_data
@pytest.mark.parametrize(
    ("file", "static"),
    [
        ("fmd/confocal_mice_4frames_noisy.tif", True),
        ("fmd/twophoton_bpae_g_4frames_noisy.tif", True),
        ("fmd/widefield_bpae_g_4frames_noisy.tif", True),
        ("stacks/lysosomes_live_tyx.tif", False),
        ("stacks/timelapse_tyx.tif", False),
        ("stacks/two_photon_tyx.tif", False),
        ("w2s/noisy_ch0.tif", False),
    ],
)
def test_real_static_and_moving_stacks_are_told_apart(file: str, static: bool) -> None:
    stack = Stack.of(tifffile.imread(DATA / file), "TYX", name=file)
    assert (len(mean_of_frames(stack).meta.findings) == 1) is static
