"""Networks trained with neighbouring planes or frames."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.instant.constants import OFFSETS, beside
from core.instant.weights import shipped_network
from core.learning.base import Learned
from core.learning.data import Normalisation, split
from core.learning.methods import (
    BlindSpot,
    Care,
    DecoNoising,
    Noise2Noise,
    Noise2Void,
    Noise2Void2,
    Noise2VoidConvolved,
    Quietfield,
    StructNoise2Void,
)
from core.learning.model import Model
from core.learning.network import initial
from core.learning.parts.heads import Emitted, Head, Network
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.sampling import draw_places
from core.learning.tiles import Tiles
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.params import describe
from core.stack import Region, Stack
from tests.core.learning_data import small, trained, watched
from tests.core.test_learning_checkpoint import change

BLIND = (Noise2Void, Noise2Void2, StructNoise2Void, Noise2VoidConvolved, DecoNoising)


def numbered(*lead: int, side: int = 24) -> NDArray[np.float32]:
    """Planes whose pixel values encode plane and position."""
    within = np.arange(side * side, dtype=np.float32).reshape(side, side)
    planes = np.arange(int(np.prod(lead)), dtype=np.float32) * side * side
    return (planes[:, None, None] + within).reshape(*lead, side, side)


def grained(shape: tuple[int, ...], blur: float = 2.0, seed: int = 1) -> NDArray[np.float64]:
    """Smooth random images (..., Y, X) of mean 400 and deviation 60."""
    sigma = (*(0,) * (len(shape) - 2), blur, blur)
    truth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma, mode="wrap")
    found: NDArray[np.float64] = 400 + 60 * truth / truth.std()
    return found


def noisy(truth: NDArray[np.float64], axes: str, noise: float = 60.0) -> Stack:
    return Stack.of(np.random.default_rng(2).normal(truth, noise).astype(np.float32), axes, name="noisy.tif")


# ---------------------------------------------------------------------- what is seen


@pytest.mark.parametrize(("axes", "along"), [("TZYX", "T"), ("TZYX", "Z"), ("CZYX", "Z")])
@pytest.mark.parametrize("partial", [False, True])
def test_tiles_show_the_planes_beside_at_the_same_place(axes: str, along: str, partial: bool) -> None:
    pixels = numbered(7, 3)
    stack, area = Stack.of(pixels, axes), 24 * 24
    limit = 2 * 5 * area * 4 if partial else 10**9
    tiles = Tiles(stack, split(stack, 0.0, 16), 16, limit, along)
    drawn = torch.Generator().manual_seed(0)
    tiles.choose(drawn)
    list(tiles.load(0.0, by_channel=False))
    assert tiles.partial is partial
    assert tiles.pixels.nbytes <= limit
    mean, std = tiles.normalisation.mean[0], tiles.normalisation.std[0]
    for _ in range(6):
        tiles.refresh(drawn)
        places = draw_places(8, (tiles.count, *tiles.shape), 16, "eight", drawn)
        own, others = tiles.pair(places, 16, drawn)[0], tiles.beside(places, 16)
        assert others is not None
        counts = (own * std + mean).round()
        for patch, around in zip(counts, (others * std + mean).round(), strict=True):
            index = list(np.unravel_index(int(patch[0, 0]) // area, (7, 3)))
            axis = axes.index(along)
            for found, other in zip(around, beside(int(index[axis]), (7, 3)[axis]), strict=True):
                step = np.array(index)
                step[axis] = other
                here, there = (np.ravel_multi_index(tuple(at), (7, 3)) for at in (index, step))
                torch.testing.assert_close(found, patch + float((there - here) * area), rtol=0, atol=1.0)


@pytest.mark.parametrize("partial", [False, True])
def test_held_out_frames_are_never_shown_in_training(partial: bool) -> None:
    pixels = numbered(8)
    found = split(Stack.of(pixels, "TYX"), 0.25, 16, along="T")
    assert [region[0].start for region in found.held_out] == [6, 7]
    pixels[6:] = 1e9  # would show
    tiles = Tiles(Stack.of(pixels, "TYX"), found, 16, 5 * 24 * 24 * 4 if partial else 10**9, "T")
    drawn = torch.Generator().manual_seed(0)
    tiles.choose(drawn)
    list(tiles.load(0.0, by_channel=False))
    for _ in range(20):
        tiles.refresh(drawn)
    shown = tiles.pixels * tiles.normalisation.std[0] + tiles.normalisation.mean[0]
    assert shown.max() < 6 * 24 * 24 + 1


def test_two_frames_are_left_to_train_on_where_neighbours_are_seen() -> None:
    stack = Stack.of(np.zeros((2, 100, 80), np.uint8), "TYX")
    assert len(split(stack, 0.5, 32).training) == 1
    rows = split(stack, 0.5, 32, along="T")
    assert {region[1].stop for region in rows.training} == {50}
    assert len(rows.training) == 2


def test_held_out_patches_see_what_lies_beside_them_in_the_stack() -> None:
    pixels = numbered(8)
    stack = Stack.of(pixels, "TYX")
    looked_at: list[Patches] = []

    def see(_: Emitted, patches: Patches, losses: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled():
            looked_at.append(patches)
        return losses

    method = small(watched(Noise2Void, see), patch=16, neighbours="T", augment="none")
    norm = trained(stack, method)[0].normalisation
    held_out = looked_at[0]
    assert held_out.beside is not None
    for own, others in zip(held_out.pixels, held_out.beside, strict=True):
        frame = int(float(own[0, 0]) * norm.std[0] + norm.mean[0] + 0.5) // (24 * 24)
        assert frame in (6, 7)
        steps = (others - own)[:, 0, 0] * norm.std[0] / (24 * 24)
        assert steps.round().int().tolist() == [other - frame for other in beside(frame, 8)]


def test_pixels_that_are_not_finite_are_filled_beside_too() -> None:
    pixels = noisy(grained((6, 64, 64)), "ZYX").read().copy()
    pixels[:, 5:20, 5:40] = np.nan
    model, reports = trained(Stack.of(pixels, "ZYX"), small(neighbours="Z"))
    assert np.isfinite(reports[-1].validation or np.nan)
    result = evaluate(Stack.of(pixels, "ZYX"), model.prediction("cpu"))[0]
    np.testing.assert_array_equal(np.isnan(result), np.isnan(pixels))


@pytest.mark.parametrize("cls", BLIND)
def test_only_the_plane_itself_has_pixels_hidden(
    cls: type[BlindSpot],
) -> None:
    given: list[tuple[torch.Tensor, Patches]] = []

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Method(cls):  # type: ignore[valid-type, misc]
        def head(self, setup: Setup) -> Head:
            return Noted(cls.head(self, setup))

    class Noted:
        def __init__(self, head: Head) -> None:
            self._head = head

        def emit(self, network: Network, shown: torch.Tensor, patches: Patches) -> Emitted:
            def noted(images: torch.Tensor) -> torch.Tensor:
                given.append((images, patches))
                result: torch.Tensor = network(images)
                return result

            return self._head.emit(noted, shown, patches)

    trained(noisy(grained((6, 64, 64)), "ZYX"), small(Method, neighbours="Z", steps=1))
    shown, patches = given[0]
    assert patches.mask is not None
    assert patches.beside is not None
    torch.testing.assert_close(shown[:, 1:], patches.beside, rtol=0, atol=0)
    changed = (shown[:, 0] != patches.pixels).flatten(1)
    assert changed.gather(1, patches.mask.hidden)[patches.mask.counts].float().mean() > 0.95
    assert not changed.scatter(1, patches.mask.changed, False).any()


# ---------------------------------------------------------------------- what is learned


def test_a_network_begins_as_the_one_that_sees_nothing_beside() -> None:
    alone, together = (initial(Noise2Void(neighbours=n).architecture(), seed=3) for n in ("none", "Z"))
    images = torch.randn(2, 1 + len(OFFSETS), 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(together(images), alone(images[:, :1]))


def test_what_moves_is_neither_smeared_nor_copied() -> None:
    """Blobs that move by more than their width from frame to frame."""
    rng = np.random.default_rng(4)
    start, speed = rng.uniform(0, 64, (40, 2)), 5 * rng.choice([-1, 1], (40, 2))
    truth = np.zeros((10, 64, 64))
    for time in range(10):
        row, column = ((start + time * speed) % 64).astype(int).T
        np.add.at(truth[time], (row, column), 1)
    truth = ndimage.gaussian_filter(truth, (0, 1.5, 1.5), mode="wrap") * 3000 + 100
    stack = noisy(truth, "TYX", 30.0)
    model, _ = trained(stack, small(neighbours="T", steps=200, learning_rate=3e-3, validation=0.1))
    found = evaluate(stack, model.prediction("cpu"))[0]

    def error(shift: int) -> float:
        return float(np.square(found - np.roll(truth, shift, 0))[2:-2].mean())

    assert error(0) < 0.5 * 30**2
    assert 4 * error(0) < min(error(shift) for shift in (-2, -1, 1, 2))


def test_of_a_still_scene_more_is_learned_with_the_frames_beside() -> None:
    truth = np.repeat(grained((1, 64, 64), blur=1.2), 8, 0)
    stack = noisy(truth, "TYX")
    errors = []
    for neighbours in ("none", "T"):
        model, _ = trained(stack, small(neighbours=neighbours, steps=120, learning_rate=3e-3))
        errors.append(np.square(evaluate(stack, model.prediction("cpu"))[0] - truth).mean())
    alone, together = errors
    assert together < 0.75 * alone


def test_clean_planes_are_predicted_from_the_noisy_ones_beside() -> None:
    """The clean plane equals a neighbour of the noisy one: without neighbours it cannot be predicted."""
    shown = grained((8, 48, 48))
    stack = Stack.of(shown.astype(np.float32), "ZYX")
    clean = Stack.of(np.concatenate([shown[1:], shown[-2:-1]]).astype(np.float32), "ZYX", name="clean")
    last = {}
    for neighbours in ("none", "Z"):
        method = small(Care, neighbours=neighbours, steps=120, learning_rate=5e-3)
        trainer = Trainer(stack, method, device="cpu", target=clean)
        list(trainer.run())
        last[neighbours] = trainer.model().record.curve[-1][2]
        result = evaluate(stack, trainer.model().prediction("cpu"))[0]
    assert last["none"] > 0.8
    assert last["Z"] < 0.4
    assert np.corrcoef(result.ravel(), clean.read().ravel())[0, 1] > 0.8


def test_the_network_of_instant_learns_from_what_lies_beside() -> None:
    truth = np.repeat(grained((1, 96, 96)), 6, 0)
    stack = noisy(truth, "TYX")
    method = Quietfield(
        steps=3, seconds=0, patch=64, batch=1, warmup=0, neighbours="T", quality="instant", train="yes"
    )
    moved, first = {}, {}
    for chosen in ("T", "none"):
        trainer = Trainer(stack, replace(method, neighbours=chosen), device="cpu")
        list(trainer.run())
        state = trainer.model().resume
        assert state is not None
        before, after = shipped_network("instant").state_dict(), state["network"]
        moved[chosen] = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
        first[chosen] = state["best_validation"]
    assert moved == {
        "T": {"down", "narrow", "up", "end", "beside", "shares"},
        "none": {"down", "narrow", "up", "end"},
    }
    assert first["T"] < first["none"] - 0.005, "frames of one scene help at hidden pixels"


@pytest.mark.parametrize(
    ("cls", "memory"), [(Noise2Void, 10**9), (Noise2Void, 10 * 96 * 96 * 4), (Quietfield, 10**9)]
)
def test_stop_and_resume_is_bit_for_bit_one_training(cls: type[Learned], memory: int) -> None:
    stack = noisy(grained((12, 96, 96)), "ZYX")
    method = small(cls, neighbours="Z", epoch=2, steps=6, patch=64, batch=2)
    whole = Trainer(stack, method, device="cpu", memory=memory)
    list(whole.run())
    first = Trainer(stack, method, device="cpu", memory=memory)
    for report in first.run():
        if report.step >= 4:
            break
    second = Trainer(stack, method, device="cpu", memory=memory)
    second.restore(first.model())
    assert next(report.step for report in second.run() if not report.doing) >= 4
    list(second.run())
    for name, weights in whole.model().weights.items():
        assert torch.equal(weights, second.model().weights[name]), name


# ---------------------------------------------------------------------- how it is used


def untrained(cls: type[Learned] = DecoNoising, **changes: Any) -> Model:
    method = small(cls, **changes)
    network = initial(method.architecture(), seed=1)
    norm = Normalisation(offset=10.0, mean=(390.0,), std=(60.0,), fill=390.0)
    return Model(method=method, weights=network.state_dict(), normalisation=norm)


def pieces(shape: tuple[int, ...], *sides: int) -> list[Region]:
    corners = itertools.product(*(range(0, n, side) for n, side in zip(shape, sides, strict=True)))
    return [
        tuple(slice(at, min(at + side, n)) for at, side, n in zip(corner, sides, shape, strict=True))
        for corner in corners
    ]


@pytest.mark.parametrize(("planes", "deep"), [(2, 1), (3, 2), (9, 1), (9, 4)])
def test_pieces_are_the_whole(planes: int, deep: int) -> None:
    operation = untrained(neighbours="Z", sigma=1.2).prediction("cpu")
    stack = noisy(grained((planes, 90, 130)), "ZYX")
    whole = evaluate(stack, operation)
    small = stack.region(Z=slice(planes - 1, planes), Y=slice(3, 20), X=slice(40, 44))
    for region in (*pieces(stack.shape, deep, 64, 64), small):
        for found, expected in zip(evaluate(stack, operation, region), whole, strict=True):
            np.testing.assert_allclose(found, expected[region], rtol=1e-5, atol=1e-3)


def test_every_plane_goes_through_the_network_with_those_beside_it() -> None:
    model = untrained(Noise2Void, neighbours="T")
    stack = noisy(grained((5, 3, 32, 32)), "TZYX")
    found = evaluate(stack, model.prediction("cpu"))[0]
    network = initial(model.method.architecture(), seed=1)
    light = (stack.read() - 400) / 60
    for time, depth in np.ndindex(5, 3):
        given = torch.from_numpy(light[[time, *beside(time, 5)], depth])[None]
        with torch.inference_mode():
            expected = network(given)[0, 0].numpy() * 600 + 400
        np.testing.assert_allclose(found[time, depth], expected, rtol=1e-5, atol=1e-2)


def test_planes_that_are_only_looked_at_are_not_denoised() -> None:
    operation = untrained(neighbours="Z").prediction("cpu")
    passed = []

    def count(self: nn.Module, given: tuple[torch.Tensor]) -> None:
        passed.append(given[0].shape[:2])

    operation.network.register_forward_pre_hook(count)  # type: ignore[attr-defined]
    stack = noisy(grained((9, 40, 40)), "ZYX")
    evaluate(stack, operation, stack.region(Z=slice(4, 6)))
    assert passed == [(2, 1 + len(OFFSETS))]


@pytest.mark.parametrize("cls", [*BLIND, Care, Quietfield])
@pytest.mark.parametrize("stack", [(6, 96, 96), (1, 6, 96, 96)])
def test_stacks_without_such_neighbours_are_a_sentence(cls: type[Learned], stack: tuple[int, ...]) -> None:
    axes = "TZYX"[-len(stack) :]
    images = Stack.of(grained(stack).astype(np.float32), axes, name="cells.tif")
    target = images if cls is Care else None
    method = cls(neighbours="T")  # type: ignore[call-arg]
    with pytest.raises(
        QuietfieldError, match=rf"{cls.label} with .* time \(T\) .*, which cells\.tif does not"
    ):
        next(Trainer(images, method, device="cpu", target=target).run())


def test_networks_refuse_stacks_without_such_neighbours() -> None:
    operation = untrained(neighbours="Z").prediction("cpu")
    for shape in ((32, 32), (1, 32, 32)):
        with pytest.raises(QuietfieldError, match="uses neighbours along depth"):
            evaluate(Stack.of(np.zeros(shape, np.float32), "ZYX"[-len(shape) :]), operation)


def test_who_sees_neighbours_and_who_does_not() -> None:
    for cls in (*BLIND, Care):
        method = cls(neighbours="Z")
        assert method.along == "Z"
        assert method.architecture().inputs == 1 + len(OFFSETS)
        assert cls().architecture().inputs == 1
        assert not method.same_network(cls())
        assert not method.same_network(cls(neighbours="T"))
        assert "neighbours Z" in cls.in_brief({"neighbours": "Z", "seconds": 3.0})
        assert "neighbours" not in cls.in_brief({"neighbours": "none", "seconds": 3.0})
    assert "neighbours" not in {p.name for p in describe(Noise2Noise)}
    assert Quietfield().same_network(Quietfield(neighbours="T"))


def test_other_neighbours_are_no_training_to_go_on_with() -> None:
    stack = noisy(grained((4, 4, 64, 64)), "TZYX")
    model, _ = trained(stack, small(neighbours="T", steps=2))
    with pytest.raises(QuietfieldError, match=r"neighbours T\), but the method is .* neighbours Z"):
        Trainer(stack, small(neighbours="Z"), device="cpu").restore(model)


# ---------------------------------------------------------------------- files


def test_a_file_keeps_the_neighbours(tmp_path: Path) -> None:
    stack = noisy(grained((4, 64, 64)), "ZYX")
    model, _ = trained(stack, small(neighbours="Z"))
    save_model(tmp_path / "a.quietfield", model)
    again = load_model(tmp_path / "a.quietfield")
    assert again.method == model.method
    result = evaluate(stack, again.prediction("cpu"))[0]
    np.testing.assert_array_equal(result, evaluate(stack, model.prediction("cpu"))[0])
    change(tmp_path / "a.quietfield", lambda whole: whole["method"]["params"].update(neighbours="none"))
    with pytest.raises(QuietfieldError, match="weights do not fit"):
        load_model(tmp_path / "a.quietfield")


def test_a_file_from_before_there_were_neighbours_can_be_used_and_trained_on(tmp_path: Path) -> None:
    stack = noisy(grained((4, 64, 64)), "ZYX")
    model, _ = trained(stack, small(steps=4, epoch=2))
    path = tmp_path / "old.quietfield"
    save_model(path, model)

    def older(whole: dict[str, Any]) -> None:
        del whole["method"]["params"]["neighbours"], whole["architecture"]["inputs"]

    change(path, older)
    old = load_model(path)
    assert old.method == model.method
    result = evaluate(stack, old.prediction("cpu"))[0]
    np.testing.assert_array_equal(result, evaluate(stack, model.prediction("cpu"))[0])
    trainer = Trainer(stack, small(steps=6, epoch=2), device="cpu")
    trainer.restore(old)
    assert next(report.step for report in trainer.run() if not report.doing) == 4


def test_what_a_neighbour_lacks_is_taken_from_the_one_on_the_other_side() -> None:
    frames = grained((5, 40, 40)).astype(np.float32)
    model = trained(Stack.of(frames, "TYX"), small(Noise2Void, neighbours="T", steps=4))[0]
    lacking, mended = frames.copy(), frames.copy()
    lacking[3, :, :15] = np.nan
    mended[3, :, :15] = frames[1, :, :15]
    found, expected = (
        evaluate(Stack.of(pixels, "TYX"), model.prediction("cpu"))[0][2] for pixels in (lacking, mended)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.abs(found - evaluate(Stack.of(frames, "TYX"), model.prediction("cpu"))[0][2]).max() > 1e-3


def test_training_takes_what_a_neighbour_lacks_from_the_other_neighbours_too() -> None:
    """Neighbours of frame 2 are 0, 1, 3 and 4; a part of frame 3, and another one of all of them, lack."""
    lacking = grained((5, 40, 40)).astype(np.float32)
    lacking[3, :, :15] = np.nan
    lacking[[0, 1, 3, 4], :, 30:] = np.nan
    setup = Setup(
        stack=Stack.of(lacking, "TYX"), target=None, device=torch.device("cpu"), side=40, memory=2**30,
        batch=40, augment="none", validation=0.0, validation_patches=40, seed=0, by_channel=True, along="T",
    )  # fmt: skip
    examples = small(Noise2Void, neighbours="T").examples(setup)
    generator = torch.Generator().manual_seed(0)
    list(examples.read(generator, None))
    norm = examples.normalisation
    expected = (lacking[:, :, :30] - norm.offset - norm.mean[0]) / norm.std[0]
    for patches in (examples.draw(generator), examples.held_out()):
        assert patches.beside is not None
        own = patches.pixels[:, :, :30].numpy()
        middle = [i for i, pixels in enumerate(own) if np.allclose(pixels, expected[2], atol=1e-5)]
        assert middle
        found = patches.beside[middle[0]].numpy()
        np.testing.assert_allclose(found[2, :, :15], expected[1, :, :15], atol=1e-5)
        np.testing.assert_allclose(found[2, :, 15:30], expected[3, :, 15:], atol=1e-5)
        np.testing.assert_allclose(found[[0, 1, 3], :, :30], expected[[0, 1, 4]], atol=1e-5)
        # where no neighbour recorded anything, the plane itself is not shown: its pixels may be hidden
        assert np.isfinite(found).all()
        whole = patches.pixels[middle[0], :, 30:].numpy()
        assert abs(np.corrcoef(found[2, :, 30:].ravel(), whole.ravel())[0, 1]) < 0.7
