"""The paragraph for a paper against the actual processing."""

from __future__ import annotations

import numpy as np

from core import __version__
from core.catalogue import create
from core.learning.data import Normalisation
from core.learning.model import Model, Record
from core.methods.outputs import DECONVOLVED
from core.model_file import ModelFile
from core.noise.report import report_noise
from core.noise.report.findings import in_words
from core.simulation import sample
from core.stack import Stack
from core.work.methods_text import methods_text
from core.work.recipe import Step

STACK = Stack.of(np.zeros((5, 2, 30, 40), np.uint16), "TCYX", name="cells.tif", spacing={"X": 0.065})


def test_nothing_done_is_said() -> None:
    assert methods_text((), STACK, {}).endswith("was not processed.")


def test_filters_are_named_with_all_parameters_in_order() -> None:
    steps = (Step.of(create("poisson-noise", {"seed": 3})), Step.of(create("median-3d", {"size": 5})))
    text = methods_text(steps, STACK, {})
    assert text.startswith(
        "The image stack cells.tif (5 time points, 2 channels, 40 × 30 pixels, 0.065 µm per pixel, uint16) "
        f"was processed with Quietfield {__version__} (Python "
    )
    assert f"NumPy {np.__version__}" in text
    assert "PyTorch" not in text
    noise = text.index("Noise was simulated with the model “Photon (Poisson) noise” (gain 1 counts/photon")
    median = text.index("Then, the filter “Median 3D” was applied (window 5 px, depth 3 planes, along ")
    assert noise < median
    assert "References" not in text


def test_the_noise_is_described_once_it_is_measured() -> None:
    noisy = sample(frames=6, shape=(128, 128)).noisy
    step = Step.of(create("gaussian", {}))
    assert "noise of the source" not in methods_text((step,), noisy, {})
    report = report_noise(noisy)
    text = methods_text((step,), noisy, {})
    assert "The noise of the source was estimated from frames of a static scene (gain " in text
    assert in_words(report.channels[0].camera.gain) in text
    assert "counts per photon" in text


def test_networks_are_cited_with_what_was_really_trained() -> None:
    method = create("deconoising", {"sigma": 1.3})
    file = ModelFile(file="cells.quietfield", sha256="0123456789abcdef" * 4)
    record = Record(steps=2310, seconds=119.6, source={"name": "other.tif"}, device="cpu")
    flat = Normalisation(offset=0.0, mean=(0.0,), std=(1.0,), fill=0.0)
    model = Model(method=method, weights={}, normalisation=flat, record=record)  # type: ignore[arg-type]
    step = Step.of(method, file, DECONVOLVED)
    text = methods_text((step,), STACK, {file.sha256: model})
    assert "trained by DecoNoising [1, 2] on other.tif for 2310 steps (120 s, device cpu)" in text
    assert "sigma 1.3 px" in text
    assert "the deconvolved image it predicts was used (network with SHA-256 0123456789abcdef…)" in text
    assert "PyTorch" in text
    references = text.partition("References: ")[2]
    assert references.startswith("[1] Goncharova AS, Honigmann A, Jug F, Krull A. Improving blind spot")
    assert "[2] Krull A, Buchholz T-O, Jug F. Noise2Void" in references
    assert references.count("doi:10.") == 2
    # a network that is not at hand is described as far as the recipe goes
    assert "for 2310 steps" not in methods_text((step,), STACK, {})
