import subprocess
import sys
from dataclasses import replace

import pytest

from core import catalogue, params
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.learning.methods import DecoNoising, Noise2Void, Noise2VoidConvolved, Quietfield
from core.learning.parts.readouts import Deconvolved, Denoised
from core.psf import gaussian

CLASSES = tuple(m for m in catalogue.methods("learned") if issubclass(m, Learned))


def test_methods_are_on_the_list():
    assert [m.name for m in catalogue.methods("learned")] == [
        "quietfield",
        "n2v",
        "n2v2",
        "structn2v",
        "n2v-conv",
        "deconoising",
        "pn2v",
        "divnoising",
        "noise2noise",
        "care",
    ]


def test_torch_is_not_needed_to_know_the_methods():
    code = "import core.learning.methods, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("cls", CLASSES)
def test_presets_give_methods(cls):
    for name in cls.presets:
        given = cls.preset_values(name)
        method = params.build(cls, given)
        assert {key: params.values(method)[key] for key in given} == given


@pytest.mark.parametrize("cls", CLASSES)
def test_every_preset_of_a_method_sets_the_same_parameters(cls):
    assert len({frozenset(cls.preset_values(name)) for name in cls.presets}) == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_presets_name_only_what_differs(cls):
    defaults = {p.name: p.default for p in params.describe(cls)}
    for preset in cls.presets.values():
        assert all(value != defaults[name] for name, value in preset.changes.items())


@pytest.mark.parametrize("name", ["width", "depth", "keep", "reduction", "normalise", "precision"])
def test_what_a_method_lacks_cannot_be_passed(name):
    value = getattr(Quietfield(), name)
    with pytest.raises(TypeError, match=name):
        Quietfield(**{name: value})
    with pytest.raises(ValueError, match=name):
        replace(Quietfield(), **{name: value})
    with pytest.raises(QuietfieldError, match=name):
        params.build(Quietfield, {name: value})


@pytest.mark.parametrize("cls", CLASSES)
def test_defaults_are_the_default_preset(cls):
    values, given = params.values(cls()), cls.preset_values(cls.default_preset)
    assert {k: values[k] for k in given} == given


def test_the_published_schedule():
    # Goncharova et al. 2020: 200 epochs of 10 steps of 20 patches of 100x100 px, Adam at 1e-3
    method = params.build(DecoNoising, DecoNoising.preset_values("deconoising-2020"))
    assert (method.width, method.depth, method.patch, method.batch) == (64, 3, 100, 20)
    assert (method.steps, method.epoch, method.seconds) == (2000, 10, 0)
    assert (method.learning_rate, method.schedule) == (1e-3, "plateau")
    assert (method.patience, method.factor) == (10, 0.5)
    assert (method.reduction, method.normalise) == ("sum", "global")
    assert (method.augment, method.average) == ("rotations", 0)
    assert (method.validation, method.box, method.neighbourhood) == (0.3, 6, 5)


def test_outputs_and_optics_of_each_method():
    assert [output.name for output in Noise2Void().outputs] == ["denoised"]
    assert [output.name for output in Noise2VoidConvolved().outputs] == ["denoised"]
    assert [output.name for output in DecoNoising().outputs] == ["denoised", "deconvolved"]
    conv, deco = Noise2VoidConvolved(sigma=1.5), DecoNoising(sigma=1.5)
    assert (Noise2Void().blur, conv.blur, deco.blur) == (None, None, gaussian(1.5))
    assert conv.readout() == Denoised(architecture=conv.architecture(), psf=gaussian(1.5))
    assert deco.readout() == Deconvolved(architecture=deco.architecture(), psf=gaussian(1.5))


def test_training_without_an_end_is_refused():
    with pytest.raises(QuietfieldError, match="never end"):
        Noise2Void(steps=0, seconds=0)


def test_unknown_preset_offers_the_nearest():
    with pytest.raises(QuietfieldError, match="'fast'"):
        Learned.preset_values("fats")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_has_words(cls):
    for p in params.describe(cls):
        assert p.label
        assert p.help or p.choices


def test_limits_that_were_reached_are_raised_to_their_next_multiple() -> None:
    method = Noise2Void(steps=6000, seconds=120.0)
    assert method.beyond(2300, 60.0) == method
    assert method.beyond(2300, 120.4) == Noise2Void(steps=6000, seconds=240.0)
    assert method.beyond(6000, 80.0) == Noise2Void(steps=12000, seconds=120.0)
    assert method.beyond(12500, 370.0) == Noise2Void(steps=18000, seconds=480.0)
    assert Noise2Void(steps=0, seconds=9.0).beyond(10**6, 1.0) == Noise2Void(steps=0, seconds=9.0)


def test_what_makes_a_network_another_one() -> None:
    method = DecoNoising(sigma=1.0)
    assert method.same_network(DecoNoising(sigma=1.0, positivity=1.0, steps=3, batch=7, seed=9))
    for other in (DecoNoising(sigma=1.1), DecoNoising(width=40), DecoNoising(depth=5), Noise2Void()):
        assert not method.same_network(other)
    # the PSF of the control is applied after training only
    assert Noise2VoidConvolved(sigma=1.0).same_network(Noise2VoidConvolved(sigma=2.0))
