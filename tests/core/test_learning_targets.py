import math

import numpy as np
import pytest
import tifffile
import torch

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import kinds
from core.learning import data
from core.learning.clean_stacks import fitted, open_target
from core.learning.methods import Care, Noise2Void
from core.learning.pairs import TargetPairs
from core.learning.sampling import draw_places
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.stack import Stack
from tests.core.learning_data import kinds_in, scene, small


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(frames=4, side=64):
    noisy, truth = scene(frames, side)
    return noisy, Stack.of((5 * truth + 7).astype(np.float32), "TYX", name="clean")


def test_a_target_of_the_same_shape_takes_the_axes_of_the_stack():
    stack = Stack.of(np.zeros((3, 4, 5), np.uint8), "TYX")
    target = Stack.of(np.arange(60.0).reshape(3, 4, 5), "ZYX")
    found = fitted(target, stack)
    assert found.axes == "TYX"
    np.testing.assert_array_equal(found.read(), target.read())


def test_a_target_without_time_serves_every_frame():
    stack = Stack.of(np.zeros((6, 2, 4, 5), np.uint8), "TCYX")
    target = Stack.of(np.arange(40.0).reshape(2, 4, 5), "CYX")
    found = fitted(target, stack)
    assert found.shape == stack.shape
    region = found.region(T=slice(2, 4), C=1, Y=slice(1, 3))
    np.testing.assert_array_equal(found.read(region), np.stack([target.read()[1:, 1:3]] * 2))


@pytest.mark.parametrize(("shape", "axes"), [((3, 4, 6), "TYX"), ((2, 4, 5), "TYX"), ((3, 4), "YX")])
def test_shapes_that_do_not_fit_are_a_sentence(shape, axes):
    stack = Stack.of(np.zeros((3, 4, 5), np.uint8), "TYX", name="noisy.tif")
    with pytest.raises(QuietfieldError, match=r"clean\.tif has .* but noisy\.tif has TYX 3 x 4 x 5 pixels"):
        fitted(Stack.of(np.zeros(shape), axes, name="clean.tif"), stack)


def test_a_stack_in_space_is_not_repeated_along_depth():
    stack = Stack.of(np.zeros((3, 4, 5), np.uint8), "ZYX")
    with pytest.raises(QuietfieldError, match="the same pixels"):
        fitted(Stack.of(np.zeros((4, 5)), "YX"), stack)


@pytest.fixture
def folders(tmp_path):
    """Folders of noisy and clean images, each holding its number, with other endings of their names."""
    for name, numbers in (("noisy", (1, 2, 10)), ("clean", (10, 2, 1, 5))):
        (tmp_path / name).mkdir()
        for number in numbers:
            value = number if name == "noisy" else 100 + number
            suffix = "tif" if name == "noisy" else "tiff"
            image = np.full((20, 30), value, np.uint8)
            tifffile.imwrite(tmp_path / name / f"Plane{number}.{suffix}", image)
    return tmp_path


def test_images_of_folders_are_matched_by_name(folders):
    found = open_target(folders / "clean", folders / "noisy")
    assert found.read()[:, 0, 0].tolist() == [101, 102, 110]
    one = open_target(folders / "clean", folders / "noisy" / "Plane2.tif")
    assert one.read()[0, 0] == 102
    named = open_target(folders / "clean" / "Plane5.tiff", folders / "noisy" / "Plane2.tif")
    assert named.read()[0, 0] == 105
    whole = open_target(folders / "clean", None)
    assert whole.shape == (4, 20, 30)


def test_an_image_without_a_partner_is_named(folders):
    (folders / "clean" / "Plane2.tiff").unlink()
    with pytest.raises(QuietfieldError, match="no image called Plane2"):
        open_target(folders / "clean", folders / "noisy")


def test_methods_ask_for_the_stacks_they_need():
    noisy, clean = pair()
    with pytest.raises(QuietfieldError, match="noisy and a clean stack"):
        next(Trainer(noisy, small(Care), device="cpu").run())
    with pytest.raises(QuietfieldError, match="uses only the noisy stack"):
        next(Trainer(noisy, small(Noise2Void), device="cpu", target=clean).run())


@pytest.mark.parametrize("limit", [10**9, 2 * 3 * 32 * 32 * 4])
def test_pairs_show_the_same_place_of_both_stacks(limit):
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(5, 2, 32, 32)).astype(np.float32)
    stack, target = Stack.of(pixels, "TCYX"), Stack.of(pixels * 30 - 4, "TCYX")
    tiles = TargetPairs(stack, data.split(stack, 0.0, 16), 16, limit, target=target)
    assert tiles.partial is (limit < 10**9)
    drawn = generator()
    tiles.choose(drawn)
    list(tiles.load(0.0, by_channel=True))
    for _ in range(5):
        tiles.refresh(drawn)
        places = draw_places(8, (tiles.count, *tiles.shape), 16, "eight", drawn)
        noisy, clean, valid = tiles.pair(places, 16, drawn)
        assert valid is None
        torch.testing.assert_close(noisy, clean, rtol=1e-4, atol=1e-4)  # each normalised by itself


def test_results_are_in_the_counts_of_the_clean_stack():
    noisy, clean = pair()
    trainer = Trainer(noisy, small(Care, validation=0.0), device="cpu", target=clean)
    list(trainer.run())
    norm = trainer.model().normalisation
    assert norm.target_mean[0] == pytest.approx(float(clean.read().mean()), rel=1e-4)
    assert norm.target_std[0] == pytest.approx(float(clean.read().std()), rel=1e-4)
    model = trainer.model()
    with torch.no_grad():
        for tensor in model.weights.values():
            tensor.zero_()
    flat = evaluate(noisy, model.prediction("cpu"))[0]  # a network that says 0 says the mean
    np.testing.assert_allclose(flat, norm.target_mean[0], rtol=1e-6)


@pytest.mark.parametrize(("scale", "fits"), [(5.0, True), (1e-3, False), (500.0, False)])
def test_results_that_do_not_fit_the_type_of_the_stack_are_announced(scale, fits):
    noisy, truth = scene()
    clean = Stack.of((scale * truth).astype(np.float32), "TYX")
    trainer = Trainer(noisy, small(Care, steps=1), device="cpu", target=clean)
    list(trainer.run())
    assert (kinds.CLEAN_COUNTS not in kinds_in(trainer.model().record.findings)) is fits


def test_training_goes_on_from_a_file_bit_for_bit(tmp_path):
    noisy, clean = pair()
    method = small(Care, epoch=2)
    whole = Trainer(noisy, method, device="cpu", target=clean)
    list(whole.run())
    first = Trainer(noisy, method, device="cpu", target=clean)
    run = first.run()
    while next(run).step < 5:
        pass
    run.close()
    save_model(tmp_path / "half.quietfield", first.model())
    half = load_model(tmp_path / "half.quietfield")
    second = Trainer(noisy, method, device="cpu", target=clean)
    second.restore(half)
    list(second.run())
    resumed = second.model()
    assert resumed.normalisation == whole.model().normalisation
    assert all(torch.equal(t, resumed.weights[n]) for n, t in whole.model().weights.items())
    other = Trainer(noisy, method, device="cpu", target=Stack.of(clean.read() + 1, "TYX"))
    other.restore(half)
    assert kinds.TRAINING_RESTARTED in kinds_in(list(other.run())[-1].findings)


def test_pixels_of_the_target_that_are_not_finite_do_not_count():
    noisy, clean = pair()
    pixels = clean.read().copy()
    pixels[:, 10:20, 10:40] = np.nan
    trainer = Trainer(noisy, small(Care), device="cpu", target=Stack.of(pixels, "TYX"))
    reports = list(trainer.run())
    assert math.isfinite(reports[-1].loss)
    assert math.isfinite(reports[-1].validation)


def test_a_target_of_one_value_is_refused():
    noisy, _ = pair()
    flat = Stack.of(np.full((4, 64, 64), 9, np.uint8), "TYX", name="flat")
    with pytest.raises(QuietfieldError, match="Every pixel of flat is 9"):
        list(Trainer(noisy, small(Care), device="cpu", target=flat).run())
