"""Texts and JSON that anybody may have written."""

import os

import pytest

from core.errors import QuietfieldError
from core.reading import MOST_DEPTH, parse_json, read_text


def test_text_comes_back(tmp_path):
    (tmp_path / "a").write_text("first µ", encoding="utf-8")
    assert read_text(tmp_path / "a") == "first µ"


def test_what_is_no_text_is_a_sentence(tmp_path):
    (tmp_path / "long").write_bytes(bytes(100))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name, words in (
        ("long", "10 MB|0 MB at most"), ("bytes", "no text in UTF-8"), ("missing", "No such file"),
        (".", "is a folder"),
    ):  # fmt: skip
        with pytest.raises(QuietfieldError, match=words):
            read_text(tmp_path / name, most=50)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices as on Linux and macOS")
def test_pipes_and_devices_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path.__class__("/dev/zero")):
        with pytest.raises(QuietfieldError, match="a device or a pipe"):
            read_text(path)


@pytest.mark.parametrize("ends", ["[]", ("{'a':", "}")])
def test_nesting_is_bounded(ends):
    start, end = (end.replace("'", '"') for end in ends)
    for depth in (MOST_DEPTH - 2, 1000, 100_000):
        text = start * depth + "1" + end * depth
        if depth < MOST_DEPTH:
            parse_json(text)
            parse_json(f" {text}, and more", whole=False)
            continue
        with pytest.raises(ValueError, match="too deeply"):
            parse_json(text)
        with pytest.raises(ValueError, match="too deeply"):
            parse_json(text, whole=False)


@pytest.mark.parametrize("text", ["", " ", "{", "nan", "1" * 5000, "\x00"])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
