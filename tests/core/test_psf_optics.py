"""Point spread functions from optics, against closed forms and independent numerics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special

from core.errors import QuietfieldError
from core.progress import Cancelled, Context
from core.psf.metadata import find_optics
from core.psf.optics import Optics, debye, from_optics, gaussian_sigmas, nyquist
from core.psf.request import resolve
from core.stack import Stack

WAVELENGTH = 0.52


def test_a_low_aperture_gives_the_airy_pattern() -> None:
    """(2 J1(v) / v)^2 with v = 2 pi NA r / wavelength; its FWHM is 0.5145 wavelength / NA."""
    na = 0.1
    r = np.linspace(1e-6, 8, 500)
    v = 2 * math.pi * na * r / WAVELENGTH
    np.testing.assert_allclose(debye(na, 1.0, WAVELENGTH, r, 0.0), (2 * special.j1(v) / v) ** 2, atol=2e-3)


@pytest.mark.parametrize(("na", "n"), [(0.1, 1.0), (0.8, 1.0), (1.2, 1.33), (1.4, 1.515)])
def test_fwhm_of_a_widefield_psf(na: float, n: float) -> None:
    """Close to 0.51 wavelength / NA; fine pixels, so that their size does not matter."""
    psf = from_optics(Optics(na=na, n=n, emission=1000 * WAVELENGTH, pixel=0.06 / na))
    assert psf.fwhm["X"] * 0.06 / na == pytest.approx(0.51 * WAVELENGTH / na, rel=0.04)
    assert psf.fwhm["X"] == pytest.approx(psf.fwhm["Y"])
    assert not psf.undersampled


@pytest.mark.parametrize(("na", "n"), [(0.3, 1.0), (1.2, 1.33), (1.4, 1.515)])
def test_the_integral_is_that_of_scipy(na: float, n: float) -> None:
    wave = 2 * math.pi * n / WAVELENGTH
    for r, z in ((0.0, 0.0), (0.2, 0.0), (0.0, 0.5), (0.31, 0.4)):

        def part(t: float, turn: float, r: float = r, z: float = z) -> float:
            wavy = wave * z * (math.cos(t) - 1) + turn
            return math.sqrt(math.cos(t)) * special.j0(wave * r * math.sin(t)) * math.cos(wavy) * math.sin(t)

        alpha = math.asin(na / n)
        field = [integrate.quad(part, 0, alpha, args=(turn,))[0] for turn in (0.0, -math.pi / 2)]
        focus = integrate.quad(lambda t: math.sqrt(math.cos(t)) * math.sin(t), 0, alpha)[0]
        expected = (field[0] ** 2 + field[1] ** 2) / focus**2
        assert debye(na, n, WAVELENGTH, np.array([r]), z)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("na", "n"), [(0.3, 1.0), (0.95, 1.0), (1.2, 1.33), (1.4, 1.515)])
def test_the_gaussian_has_the_curvature_of_the_integral(na: float, n: float) -> None:
    """1 - r^2 / (2 sigma^2) near the focus, which the formulas of Zhang et al. 2007 follow from."""
    axial, lateral = gaussian_sigmas(na, n, WAVELENGTH)
    r, z = 0.01 * lateral, 0.01 * axial
    assert 1 - debye(na, n, WAVELENGTH, np.array([r]), 0)[0] == pytest.approx(0.5e-4, rel=1e-3)
    assert 1 - debye(na, n, WAVELENGTH, np.array([0.0]), z)[0] == pytest.approx(0.5e-4, rel=1e-3)


def test_the_gaussian_of_a_low_aperture_is_the_paraxial_one() -> None:
    """Zhang et al. 2007: 0.225 wavelength / NA laterally, 2 sqrt(6) n / (k NA^2) axially."""
    axial, lateral = gaussian_sigmas(0.1, 1.0, WAVELENGTH)
    assert lateral == pytest.approx(0.225 * WAVELENGTH / 0.1, rel=0.005)
    assert axial == pytest.approx(2 * math.sqrt(6) * WAVELENGTH / (2 * math.pi * 0.1**2), rel=0.005)


def test_a_closed_pinhole_gives_the_product_of_both_psfs() -> None:
    shared = {"na": 1.2, "n": 1.33, "pixel": 0.02}
    psf = from_optics(Optics(kind="confocal", pinhole=0.0, emission=600, excitation=488, **shared))
    x = shared["pixel"] * (np.arange(psf.kernel.shape[1]) - psf.radius[1])
    profile = debye(1.2, 1.33, 0.6, abs(x), 0) * debye(1.2, 1.33, 0.488, abs(x), 0)
    row = psf.kernel[psf.radius[0]]
    np.testing.assert_allclose(row / row.max(), profile, atol=1e-4)
    wide = from_optics(Optics(kind="confocal", pinhole=4.0, emission=600, excitation=488, **shared))
    # through a wide pinhole, the PSF is that of the excitation alone
    lit = debye(1.2, 1.33, 0.488, abs(x), 0)
    assert psf.fwhm["X"] < 0.8 * wide.fwhm["X"]
    row = wide.kernel[wide.radius[0]]
    inner = row[wide.radius[1] - psf.radius[1] : wide.radius[1] + psf.radius[1] + 1]
    np.testing.assert_allclose(inner / inner.max(), lit, atol=0.03)


@pytest.mark.parametrize("kind", ["widefield", "confocal"])
def test_volumes_have_a_longer_axial_width(kind: str) -> None:
    psf = from_optics(Optics(kind=kind, pixel=0.08, step=0.1))
    assert psf.axes == "ZYX"
    assert psf.spacing == {"X": 0.08, "Y": 0.08, "Z": 0.1}
    assert psf.fwhm["Z"] * 0.1 > 1.8 * psf.fwhm["X"] * 0.08
    np.testing.assert_allclose(psf.kernel, psf.kernel[::-1], atol=1e-9)
    close = from_optics(Optics(kind=kind, pixel=0.08, step=0.1, model="gaussian"))
    for axis in "XZ":
        assert psf.fwhm[axis] == pytest.approx(close.fwhm[axis], rel=0.12)


def test_undersampling_is_told() -> None:
    limit = nyquist(Optics(na=1.4, emission=520))["X"]
    assert limit == pytest.approx(0.52 / (4 * 1.4))
    assert from_optics(Optics(pixel=1.5 * limit)).undersampled == ("Y", "X")
    assert from_optics(Optics(pixel=0.7 * limit)).undersampled == ()


def test_impossible_optics_are_refused() -> None:
    with pytest.raises(QuietfieldError, match="must be smaller"):
        Optics(na=1.4, n=1.33)
    with pytest.raises(QuietfieldError, match="too many for a kernel"):
        from_optics(Optics(na=0.1, pixel=0.01))


OME = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument><Objective
 ID="Objective:0" LensNA="1.2" Immersion="Water"/></Instrument><Image ID="Image:0"><ObjectiveSettings
 ID="Objective:0"/><Pixels><Channel ID="Channel:0:0" EmissionWavelength="0.61" EmissionWavelengthUnit="µm"
 AcquisitionMode="LaserScanningConfocalMicroscopy" ExcitationWavelength="561"/><Channel ID="Channel:0:1"
 EmissionWavelength="-5" AcquisitionMode="WideField"/></Pixels></Image></OME>"""


def test_only_the_lens_that_was_used_counts() -> None:
    air = '<Instrument><Objective ID="Objective:7" LensNA="0.3" Immersion="Air"/>'
    others = OME.replace("<Instrument>", air)
    others = others.replace("</Instrument>", '<Objective ID="Objective:8" LensNA="0.8"/></Instrument>')
    found = find_optics(Stack.of(np.zeros((9, 9)), "YX", ome_xml=others).meta)
    assert (found["na"], found["n"]) == (1.2, 1.333)


def test_a_name_is_no_aperture() -> None:
    info = "Image name = 2024-01-01\nSeries 0 Name = 1.ome.tif\nNumerical aperture = 1.4"
    assert find_optics(Stack.of(np.zeros((9, 9)), "YX", imagej={"Info": info}).meta)["na"] == 1.4


def test_optics_can_be_cancelled() -> None:
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        from_optics(Optics(pixel=0.1, step=0.2), context)


def test_optics_are_read_from_ome_metadata() -> None:
    stack = Stack.of(np.zeros((4, 9, 9)), "ZYX", spacing={"X": 0.11, "Z": 0.3}, ome_xml=OME)
    assert find_optics(stack.meta) == {
        "na": 1.2, "n": 1.333, "emission": 610.0, "excitation": 561.0, "kind": "confocal", "pixel": 0.11,
        "step": 0.3,
    }  # fmt: skip
    second = find_optics(stack.meta, channel=1)
    assert "emission" not in second
    assert second["kind"] == "widefield"
    psf = resolve("optics:na=1.1", stack, Context())
    assert psf.facts["na"] == 1.1
    assert psf.facts["emission"] == 610.0
    assert from_optics(Optics(**find_optics(stack.meta) | {"na": 1.1})).request.startswith(
        "optics:na=1.1,n=1.333,"
    )


def test_optics_are_read_from_the_info_of_imagej() -> None:
    info = "Objective NA = 0.75\nRefractive Index: 1.0\nChannel 1 Emission Wavelength #1 = 509.0\nName = a"
    stack = Stack.of(np.zeros((9, 9)), "YX", imagej={"Info": info})
    assert find_optics(stack.meta) == {"na": 0.75, "n": 1.0, "emission": 509.0}
    with pytest.raises(QuietfieldError, match=r"do not give the pixel size \(pixel=…\)"):
        resolve("optics:", stack, Context())
    assert resolve("optics:pixel=0.2", stack, Context()).spacing["X"] == 0.2


def test_small_apertures_have_the_paraxial_limit() -> None:
    """The nonparaxial formulas pass into the paraxial ones, 0.225 wavelength / NA laterally."""
    for na in (0.01, 0.049, 0.051, 0.1):
        axial, lateral = gaussian_sigmas(na, 1.0, 0.5)
        assert lateral == pytest.approx(0.2251 * 0.5 / na, rel=0.01)
        assert axial == pytest.approx(2 * np.sqrt(6) * 0.5 / (2 * np.pi * na**2), rel=0.02)
    with pytest.raises(QuietfieldError, match="Numerical aperture"):
        Optics(na=0.001)
