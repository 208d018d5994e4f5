"""Findings: values for programs, sentences for persons, and the list of built-in kinds."""

from __future__ import annotations

import json
import math
import pickle
import re
import string

import pytest

from core.findings import Finding, Kind, Level, Proposal, kinds, noise_kinds, training_kinds, worst
from core.findings.stored import read_finding

BUILT_IN = {
    name: kind
    for words in (kinds, noise_kinds, training_kinds)
    for name, kind in vars(words).items()
    if isinstance(kind, Kind)
}

MOVED = Kind(
    code="moved", level=Level.CAUTION, words="Frame {frame} moved by {value:.1f} {unit} along {axis}."
)


def moved(value: float = 2.5, limit: float = 1.0) -> Finding:
    proposal = Proposal(label="Choose median", method="median", params={"size": 3})
    details = {"frame": 2, "axis": "X"}
    return Finding(kind=MOVED, value=value, limit=limit, unit="px", details=details, proposal=proposal)


def test_indices_are_counted_from_0_in_values_and_from_1_in_words() -> None:
    assert moved().details["frame"] == 2
    assert moved().text == "Frame 3 moved by 2.5 px along X."


def test_json_holds_all_values_and_null_for_numbers_that_are_not_finite() -> None:
    known = json.loads(json.dumps(moved(limit=math.inf).to_dict(), allow_nan=False))
    assert known == {
        "code": "moved", "level": "caution", "text": "Frame 3 moved by 2.5 px along X.", "value": 2.5,
        "limit": None, "unit": "px", "details": {"frame": 2, "axis": "X"},
        "proposal": {"label": "Choose median", "method": "median", "params": {"size": 3}},
    }  # fmt: skip


def test_equal_findings_are_one_in_a_set_and_stay_equal_in_another_process() -> None:
    assert len({moved(), moved(), moved(3.0)}) == 2
    assert pickle.loads(pickle.dumps(moved())) == moved()


def test_the_worst_level_counts() -> None:
    note = Finding(kind=kinds.NOISE_ABSENT)
    assert worst([note, moved()]) is Level.CAUTION
    assert worst([]) is None


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in BUILT_IN.values()}) == len(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_words_are_sentences_and_codes_are_lower_case(name: str) -> None:
    kind = BUILT_IN[name]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.code)
    assert kind.words.endswith(".")
    assert all(
        field is None or field.isidentifier() for _, field, _, _ in string.Formatter().parse(kind.words)
    )


def test_a_finding_comes_back_from_json() -> None:
    proposal = Proposal(label="Choose structN2V", method="structn2v", params={"reach": 3})
    found = Finding(
        kind=kinds.NOISE_CORRELATED, value=0.3, limit=0.1, details={"along": "rows"}, proposal=proposal
    )
    assert read_finding(json.loads(json.dumps(found.to_dict()))) == found


def test_a_kind_that_is_not_known_keeps_its_message() -> None:
    found = Finding(kind=MOVED, value=1.5, unit="px", details={"frame": 1, "axis": "{X}"})
    again = read_finding(json.loads(json.dumps(found.to_dict())))
    assert (again.code, again.level, again.text) == (found.code, found.level, found.text)
    assert (again.value, again.details) == (found.value, found.details)
    older = {**Finding(kind=kinds.TRAINING_USELESS).to_dict(), "code": "noise-correlated"}
    assert read_finding(older).text == kinds.TRAINING_USELESS.words  # whose details do not fit the code


def test_whatever_a_file_says_is_quoted_in_one_line() -> None:
    described = "axes X,\x00,\n\x1b[31m" + "Z" * 10_000
    text = Finding(kind=kinds.DESCRIPTION_UNFIT, details={"described": described}).text
    assert text.isprintable()
    assert 1000 < len(text) < 1200
