"""Point spread functions as values, texts and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from core.errors import QuietfieldError
from core.progress import Context
from core.psf import Psf, gaussian
from core.psf.files import load_psf, save_psf
from core.psf.request import brief, parse, resolve
from core.psf.value import FWHM, from_text, measure_fwhm
from core.stack import Stack

LOPSIDED = np.random.default_rng(1).random((3, 5, 7)).astype(np.float32)
PLANE = Stack.of(np.zeros((40, 40), np.float32), "YX", name="plane.tif", spacing={"X": 0.1, "Y": 0.1})


def test_a_gaussian_is_that_of_scipy() -> None:
    point = np.zeros((25, 17, 33))
    point[12, 8, 16] = 1
    expected = ndimage.gaussian_filter(point, (3.0, 2.0, 4.0), truncate=4)
    psf = gaussian(3.0, 2.0, 4.0)
    assert psf.axes == "ZYX"
    np.testing.assert_allclose(psf.kernel, expected / expected.sum(), atol=1e-8)
    assert psf.kernel.sum() == pytest.approx(1)
    assert psf.fwhm["X"] == pytest.approx(4 * FWHM)
    np.testing.assert_allclose(psf.plane.kernel, gaussian(2.0, 4.0).kernel, atol=1e-8)


@pytest.mark.parametrize(("sigma", "within"), [(0.7, 0.02), (1.0, 0.002), (2.5, 1e-4)])
def test_the_width_of_a_sampled_kernel_is_measured(sigma: float, within: float) -> None:
    widths = measure_fwhm(gaussian(sigma, 1.5 * sigma).kernel)
    assert widths["Y"] == pytest.approx(FWHM * sigma, rel=within)
    assert widths["X"] == pytest.approx(FWHM * 1.5 * sigma, rel=within)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (np.ones((4, 5)), "odd"),
        (np.ones(5), "two or three axes"),
        (np.zeros((5, 5)), "above 0"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.ones((1, 301)), "at most 257"),
    ],
)
def test_what_is_no_psf_is_refused_in_a_sentence(kernel: np.ndarray, words: str) -> None:
    with pytest.raises(QuietfieldError, match=words):
        Psf(kernel=kernel)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf, 500.0])
def test_sigmas_that_make_no_sense_are_refused(sigma: float) -> None:
    with pytest.raises(QuietfieldError, match="sigma"):
        gaussian(sigma)


def test_the_text_of_a_psf_has_all_of_it() -> None:
    psf = Psf(
        kernel=LOPSIDED, spacing={"X": 0.1, "Y": 0.1, "Z": 0.3}, fwhm={"X": 2.0, "Y": 2.1, "Z": 3.0},
        source="beads", request="beads:a.tif", facts={"beads": 12.0},
    )  # fmt: skip
    again = from_text(psf.text)
    assert again == psf
    assert again.to_dict() == psf.to_dict()
    assert parse(psf.text).whole == psf
    assert "12" not in brief(psf.text)
    assert brief(psf.text) == "PSF from beads, FWHM X 2, Y 2.1, Z 3 px"


def test_damaged_texts_are_refused() -> None:
    good = json.loads(Psf(kernel=LOPSIDED).text)
    for name, value in (
        ("kernel", "AAAA"),
        ("shape", [3, 5, 9]),
        ("psf", "x"),
        ("spacing", 3),
        ("shape", [10**9] * 3),
    ):
        with pytest.raises(QuietfieldError):
            from_text(json.dumps({**good, name: value}))
    with pytest.raises(QuietfieldError, match="later Quietfield"):
        from_text(json.dumps({**good, "psf": 99}))


def test_requests() -> None:
    assert parse("gaussian:1.2").whole == gaussian(1.2)
    assert parse("gaussian: x=1.2, y=1").whole == gaussian(1.0, 1.2)
    assert parse("gaussian:x=1.2,z=3").whole == gaussian(3.0, 1.2, 1.2)
    assert parse("psf.tif").source == parse("file:psf").source == "file"
    for psf in (gaussian(1.2), gaussian(1.0, 1.2), gaussian(3.0, 1.2, 1.2)):
        assert parse(psf.text).whole == psf
        assert parse(psf.request).whole == psf


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaussian:0", "above 0"), ("gaussian:nan", "above 0"), ("gaussian:x", "not a number"),
        ("gaussian:y=2", "name x"), ("lorentz:3", "describes no PSF"), ("", "describes no PSF"),
        ("optics:NAA=1.4", "'na'"), ("optics:na", "name=value"), ("optics:na=0", "Numerical aperture"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(QuietfieldError, match=words):
        parse(text)


def test_a_file_gives_the_psf_back(tmp_path: Path) -> None:
    spacing = {"X": 0.1, "Y": 0.1, "Z": 0.3}
    psf = Psf(kernel=gaussian(1.5, 2.0, 2.0).kernel, spacing=spacing, source="beads", facts={"beads": 3.0})
    for name in ("psf.json", "psf.tif", "psf.ome.tif"):
        path = save_psf(tmp_path / name, psf)
        again = load_psf(path, spacing)
        np.testing.assert_allclose(again.kernel, psf.kernel, atol=1e-9)
        assert again.spacing == pytest.approx(spacing)
        assert again.fwhm["X"] == pytest.approx(psf.fwhm["X"], rel=1e-4)
    assert load_psf(tmp_path / "psf.json", {}).facts == {"beads": 3.0}
    assert resolve(f"file:{tmp_path / 'psf.json'}", PLANE, Context()).plane.kernel.shape == (17, 17)


def test_a_psf_is_resampled_to_other_pixels(tmp_path: Path) -> None:
    fine = Psf(kernel=gaussian(4.0).kernel, spacing={"X": 0.05, "Y": 0.05})
    path = save_psf(tmp_path / "fine.tif", fine)
    psf = load_psf(path, {"X": 0.1, "Y": 0.1})
    # a pixel of twice the width averages over (2^2 - 1) / 12 square pixels more
    sigma = np.sqrt(4.0**2 + 3 / 12) / 2
    assert psf.fwhm["X"] == pytest.approx(FWHM * sigma, rel=0.01)
    np.testing.assert_allclose(psf.kernel[5:-5, 5:-5].max(), gaussian(sigma).kernel.max(), rtol=0.02)
    coarse = Psf(kernel=gaussian(0.6).kernel, spacing={"X": 0.2, "Y": 0.2})
    with pytest.raises(QuietfieldError, match="too few"):
        load_psf(save_psf(tmp_path / "coarse.tif", coarse), {"X": 0.1, "Y": 0.1})


def test_files_that_are_no_psf_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "large.tif", np.zeros((300, 300), np.uint8))
    tifffile.imwrite(tmp_path / "nan.tif", np.full((9, 9), np.nan, np.float32))
    tifffile.imwrite(tmp_path / "dark.tif", np.zeros((9, 9), np.uint8))
    (tmp_path / "text.json").write_text("hello")
    for name, words in (
        ("large.tif", "no PSF"), ("nan.tif", "not finite"), ("dark.tif", "above 0"),
        ("text.json", "not a PSF"), ("missing.json", "cannot be read"), ("missing.tif", "does not exist"),
    ):  # fmt: skip
        with pytest.raises(QuietfieldError, match=words):
            load_psf(tmp_path / name, {})


@pytest.mark.parametrize(
    ("kernel", "kept"),
    [
        (gaussian(1.0).kernel, {0, 1, 2, 3, 4, 5, 6, 7}),
        (gaussian(1.0, 2.0).kernel, {0, 1, 2, 3}),
        (ndimage.rotate(gaussian(1.0, 2.0).kernel, 30, reshape=False, order=1), {0, 3}),
        (LOPSIDED[0], {0}),
    ],
)
def test_orientations_that_leave_the_psf_as_it_is(kernel: np.ndarray, kept: set[int]) -> None:
    odd = kernel[: kernel.shape[0] // 2 * 2 + 1, : kernel.shape[1] // 2 * 2 + 1]
    assert {one for one in range(8) if Psf(kernel=odd).unchanged(one)} == kept
