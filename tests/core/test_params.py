"""Descriptions of parameters: validation sentences, parsing, building."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import params
from core.catalogue import add, create, find, methods
from core.errors import QuietfieldError
from core.methods.base import Method, summary
from core.params import Param, build, describe, param, unknown, validate, values


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One parameter of every kind."""

    sigma: float = param(1.0, "Sigma", unit="px", ge=0, le=50, step=0.1)
    gain: float = param(2.0, "Gain", gt=0)
    size: int = param(3, "Window", unit="px", ge=1, le=99, odd=True)
    keep: bool = param(False, "Keep")
    axes: str = param("YX", "Along", choices={"YX": "planes", "X": "columns"})
    note: str = param("", "Note")
    inner: int = 5

    def __post_init__(self) -> None:
        validate(self)


@dataclass(frozen=True, kw_only=True)
class Revised(Sample):
    """One parameter revised, another one fixed."""

    size: int = params.revise(Sample, "size", 7, ge=5)
    sigma: float = params.fix(2.0)


DESCRIBED = {p.name: p for p in describe(Sample)}


def test_kinds_follow_from_the_types() -> None:
    kinds = {name: p.kind for name, p in DESCRIBED.items()}
    assert kinds == {
        "sigma": "float", "gain": "float", "size": "int", "keep": "bool", "axes": "choice", "note": "text",
    }  # fmt: skip


def test_a_revised_parameter_differs_only_in_what_is_said() -> None:
    before, after = DESCRIBED["size"], {p.name: p for p in describe(Revised)}["size"]
    assert (after.default, after.ge) == (7, 5)
    assert replace(after, default=before.default, ge=before.ge) == before
    assert [p.name for p in describe(Revised)] == [p.name for p in describe(Sample) if p.name != "sigma"]


def test_a_fixed_parameter_cannot_be_passed() -> None:
    assert Revised().sigma == 2.0
    with pytest.raises(TypeError, match="sigma"):
        Revised(sigma=2.0)  # type: ignore[call-arg]
    with pytest.raises(QuietfieldError, match="'sigma'"):
        build(Revised, {"sigma": 2.0})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("sigma", -1, "Sigma (sigma) is -1; it must be a number from 0 to 50 px."),
        ("sigma", 51.5, "Sigma (sigma) is 51.5; it must be a number from 0 to 50 px."),
        ("sigma", float("nan"), "Sigma (sigma) is nan; it must be a number."),
        ("sigma", "one", "Sigma (sigma) is 'one'; it must be a number."),
        ("sigma", True, "Sigma (sigma) is True; it must be a number."),
        ("gain", 0, "Gain (gain) is 0; it must be a number above 0."),
        ("size", 4, "Window (size) is 4; it must be an odd number."),
        ("size", 2.5, "Window (size) is 2.5; it must be a whole number."),
        ("size", 101, "Window (size) is 101; it must be a whole number from 1 to 99 px."),
        ("keep", 1, "Keep (keep) is 1; it must be yes or no."),
        ("axes", "Z", "Along (axes) is 'Z'; it must be one of YX, X."),
        ("note", 3, "Note (note) is 3; it must be text."),
    ],
)
def test_what_is_not_allowed_is_said_in_a_sentence(name: str, value: Any, sentence: str) -> None:
    for attempt in (lambda: Sample(**{name: value}), lambda: build(Sample, {name: value})):
        with pytest.raises(QuietfieldError) as caught:
            attempt()
        assert str(caught.value) == sentence


def test_numbers_take_the_declared_type() -> None:
    sample = Sample(sigma=2, size=5.0)  # type: ignore[arg-type]
    assert (type(sample.sigma), type(sample.size)) == (float, int)
    with pytest.raises(FrozenInstanceError):
        sample.sigma = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("sigma", " 1.5 ", 1.5), ("sigma", "1e1", 10.0), ("size", "7", 7), ("size", "7.0", 7),
        ("keep", "Yes", True), ("keep", "off", False), ("axes", "X", "X"), ("note", "any words", "any words"),
    ],
)  # fmt: skip
def test_parsing(name: str, text: str, value: Any) -> None:
    read = DESCRIBED[name].parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("sigma", "wide"), ("sigma", "inf"), ("size", "6"), ("keep", "perhaps"), ("axes", "")]
)
def test_what_cannot_be_parsed_is_refused(name: str, text: str) -> None:
    with pytest.raises(QuietfieldError, match=DESCRIBED[name].label):
        DESCRIBED[name].parse(text)


@given(value=st.floats(0, 50), size=st.integers(0, 49).map(lambda n: 2 * n + 1), keep=st.booleans())
def test_values_build_the_same_again_through_json(value: float, size: int, keep: bool) -> None:
    sample = Sample(sigma=value, size=size, keep=keep)
    assert build(Sample, json.loads(json.dumps(values(sample)))) == sample


def parsed(p: Param, text: str) -> object:
    try:
        return p.parse(text)
    except QuietfieldError:
        return None


@given(text=st.text(max_size=12) | st.floats().map(str) | st.integers().map(str))
def test_any_text_gives_an_allowed_value_or_a_sentence(text: str) -> None:
    for p in DESCRIBED.values():
        value = parsed(p, text)
        if value is not None:
            assert p.check(value) == value


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(QuietfieldError, match=r"called 'sigm'. Did you mean 'sigma'\?"):
        build(Sample, {"sigm": 1})
    with pytest.raises(QuietfieldError, match=r"Did you mean 'gaussian'\?"):
        find("gausian")
    assert unknown("method", "xyz", []) == "There is no method called 'xyz'. There are: none."


@pytest.mark.parametrize("cls", methods(), ids=lambda m: m.name)
def test_every_method_describes_itself(cls: type[Method]) -> None:
    assert cls.label
    assert summary(cls).endswith(".")
    made = create(cls.name, {})
    assert values(made) == {p.name: p.default for p in describe(cls)}
    for p in describe(cls):
        assert p.check(p.default) == p.default
        assert p.label
        assert p.help or p.advanced, f"{cls.name}.{p.name} has no help"
        assert not p.label.endswith(".")
        assert not p.choices or p.default in p.choices


@pytest.mark.parametrize("cls", methods(), ids=lambda m: m.name)
def test_the_ends_of_every_range_are_allowed_and_what_lies_beyond_is_not(cls: type[Method]) -> None:
    for p in describe(cls):
        for end, beyond in ((p.ge, -1), (p.le, 1)):
            if end is not None:
                assert p.check(end) == end
                with pytest.raises(QuietfieldError):
                    p.check(end + beyond * (2 if p.odd else 1))


def test_two_methods_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="two methods"):
        add(type(create("box", {})))


def test_a_range_can_have_one_end() -> None:
    p = Param(name="n", kind="int", default=1, label="N", ge=1)
    with pytest.raises(QuietfieldError, match=r"it must be a whole number from 1\.$"):
        p.check(0)
    assert params.Param(name="n", kind="int", default=1, label="N").check(-5) == -5
