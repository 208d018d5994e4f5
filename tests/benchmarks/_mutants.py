"""Changes of files, as damage or bad intent makes them; each follows from a random generator."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests import evil

NUMBERS = (
    0, 1, 2, 3, 127, 255, 32767, 65535, 65536, 65537, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1,
)  # fmt: skip
COMPRESSIONS = (
    1, 2, 3, 4, 5, 6, 7, 8, 22610, 32773, 32809, 32895, 32896, 32908, 32909, 32946, 33003, 33005, 33007,
    34661, 34676, 34677, 34712, 34887, 34892, 34925, 34933, 34934, 48124, 50000, 50001, 50002, 52546, 65000,
)  # fmt: skip
TAGS = (
    254, 255, 256, 257, 258, 259, 262, 266, 270, 273, 277, 278, 279, 282, 284, 305, 306, 317, 318, 320, 322,
    323, 324, 325, 330, 338, 339, 347, 513, 514, 530, 33628, 33629, 34118, 34361, 34412, 50838, 50839,
    51123, 65000,
)  # fmt: skip
WORDS = (
    b"9", b"0", b"-", b"99999", b"e9", b".", b"nan", b"inf", b"<", b"\xff", b"=", b"1e400", b"\n", b"true",
    b"{", b"images=1", b"slices=0", b"frames=-1", b"channels=1e9", b"spacing=nan", b"unit=\\u00", b"SizeT=",
    b"order=",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Directory:
    """A TIFF directory: its place, that of its first entry, their number, and that of the next directory."""

    place: int
    first: int
    count: int
    end: int


@dataclass(frozen=True, slots=True)
class _Tiff:
    """How the numbers of a TIFF are stored, and its directories."""

    order: str
    big: bool
    directories: tuple[_Directory, ...]

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def entry(self) -> int:
        return 20 if self.big else 12

    def pack(self, number: int) -> bytes:
        return struct.pack(self.offset, number % (2**64 if self.big else 2**32))


def _parsed(data: bytearray) -> _Tiff:
    order = ">" if data[:2] == b"MM" else "<"
    big = data[2:4] in (b"\x2b\0", b"\0\x2b")
    found, seen = [], set()
    offset, count = order + ("Q" if big else "I"), order + ("Q" if big else "H")

    def number(form: str, at: int) -> int:
        if at > len(data):
            raise EOFError
        return int(struct.unpack_from(form, data, at)[0])

    try:
        place = number(offset, 8 if big else 4)
        while place and place not in seen and len(found) < 40:
            seen.add(place)
            entries, first = number(count, place), place + struct.calcsize(count)
            end = first + entries * (20 if big else 12)
            if entries > 200:
                break
            found.append(_Directory(place, first, entries, end))
            place = number(offset, end)
    except (struct.error, EOFError):
        pass
    return _Tiff(order, big, tuple(found))


def tiff(content: bytes, draw: Random) -> bytes:
    """Return a TIFF with one to three changes."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if len(data) >= 16:
            change = draw.choice(_TIFF_CHANGES)
            change(data, _parsed(data), draw)
    return bytes(data)


def _write(data: bytearray, at: int, new: bytes) -> None:
    data[at : at + len(new)] = new


def _flip(data: bytearray, known: _Tiff, draw: Random) -> None:
    for _ in range(draw.choice((1, 2, 5, 20))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _cut(data: bytearray, known: _Tiff, draw: Random) -> None:
    del data[draw.randrange(8, len(data)) :]


def _head(data: bytearray, known: _Tiff, draw: Random) -> None:
    what = draw.randrange(3)
    if what == 0:
        _write(data, 0, draw.choice((b"II", b"MM", b"EP", b"IM")))
    elif what == 1:
        _write(data, 2, draw.choice((b"\x2a\0", b"\0\x2a", b"\x2b\0", b"\0\x2b", b"\x55\0", b"OR")))
    else:
        number = draw.choice((*NUMBERS, draw.randrange(len(data))))
        _write(data, 4, struct.pack(known.order + "I", number % 2**32))


def _entry(data: bytearray, known: _Tiff, draw: Random) -> None:
    """Change tag, type, number or value of an entry."""
    if not known.directories:
        return
    directory = draw.choice(known.directories)
    if not directory.count:
        return
    at = directory.first + draw.randrange(directory.count) * known.entry
    value = at + known.entry - len(known.pack(0))
    what = draw.choice(("tag", "type", "count", "value", "value", "short", "compression"))
    if what == "tag":
        _write(data, at, struct.pack(known.order + "H", draw.choice((*TAGS, draw.randrange(65536)))))
    elif what == "type":
        _write(data, at + 2, struct.pack(known.order + "H", draw.choice((*range(20), draw.randrange(65536)))))
    elif what == "count":
        number = draw.choice((*NUMBERS, draw.randrange(65536)))
        _write(data, at + 4, known.pack(number << 20 if known.big and draw.random() < 0.3 else number))
    elif what == "value":
        _write(data, value, known.pack(draw.choice((*NUMBERS, draw.randrange(len(data))))))
    elif what == "short":
        _write(data, value, struct.pack(known.order + "H", draw.choice((*NUMBERS, 40000)) % 65536))
    else:
        places = [directory.first + n * known.entry for n in range(directory.count)]
        tag = struct.pack(known.order + "H", 259)
        for place in places:
            if data[place : place + 2] == tag:
                end = place + known.entry - len(known.pack(0))
                _write(data, end, struct.pack(known.order + "H", draw.choice(COMPRESSIONS)))


def _chain(data: bytearray, known: _Tiff, draw: Random) -> None:
    """Lead from a directory to another place."""
    if known.directories:
        targets = [d.place for d in known.directories] + [draw.randrange(len(data)), 8, 2]
        _write(data, draw.choice(known.directories).end, known.pack(draw.choice(targets)))


def _text(data: bytearray, known: _Tiff, draw: Random) -> None:
    """Replace a digit, or insert words."""
    digits = [i for i, byte in enumerate(data) if 48 <= byte < 58]
    if digits:
        at, word = draw.choice(digits), draw.choice(WORDS)
        if draw.random() < 0.5:
            _write(data, at, word)
        else:
            data[at : at + 1] = word


def _block(data: bytearray, known: _Tiff, draw: Random) -> None:
    at, size = draw.randrange(len(data)), draw.choice((1, 4, 16, 64, 256))
    size = min(size, len(data) - at)
    what = draw.randrange(6)
    if what == 0:
        _write(data, at, bytes(size))
    elif what == 1:
        _write(data, at, b"\xff" * size)
    elif what == 2:
        _write(data, at, draw.randbytes(size))
    elif what == 3:
        start = draw.randrange(len(data))
        _write(data, at, bytes(data[start : start + size]))
    elif what == 4:
        del data[at : at + size]
    else:
        data[at:at] = draw.randbytes(size)


def _payload(data: bytearray, known: _Tiff, draw: Random) -> None:
    """Change bytes outside the directories."""
    for _ in range(draw.choice((1, 3, 10, 40))):
        at = draw.randrange(8, len(data))
        if not any(d.place <= at < d.end + 8 for d in known.directories):
            data[at] = draw.choice((0, 128, 255, draw.randrange(256)))


_TIFF_CHANGES: tuple[Callable[[bytearray, _Tiff, Random], None], ...] = (
    _flip, _flip, _cut, _head, _entry, _entry, _entry, _entry, _entry, _chain, _text, _text, _block, _payload,
    _payload,
)  # fmt: skip


def document(whole: Any, draw: Random) -> str:
    """Return a document as JSON with one change."""
    places = list(evil.places(whole))
    at = draw.choice(places)
    what = draw.choice(("value", "value", "value", "value", "gone", "nested", "text", "twice", "many"))
    if what == "value":
        return json.dumps(evil.put(whole, at, draw.choice(evil.VALUES)))
    if what == "gone":
        return json.dumps(evil.without(whole, at))
    if what == "nested":
        inner = evil.nested(draw.choice((30, 100, 990, 2000, 50_000)), draw.choice(("[]", "{}")))
        return json.dumps(evil.put(whole, at, "@@")).replace('"@@"', inner)
    text = json.dumps(whole)
    if what == "text":
        characters = list(text)
        for _ in range(draw.choice((1, 3))):
            characters[draw.randrange(len(text))] = draw.choice('{}[]",:0123456789eE-+.truefalsn\u00e9\ud800')
        return "".join(characters)
    if what == "twice":
        value = draw.choice(("99", "-1", "null", '"a"', "1e999", "9" * 5000, "NaN"))
        return f'{text[:-1]},"schema":{value}}}'
    lists = [place for place in places if isinstance(evil.get(whole, place), list)]
    if not lists:
        return text
    at = draw.choice(lists)
    return json.dumps(evil.put(whole, at, evil.get(whole, at) * draw.choice((0, 2, 1000))))


def network(content: bytes, draw: Random, key: str) -> bytes:
    """Return the file of a network with one change in its header, its description or its weights."""
    what = draw.choice(
        ("flip", "cut", "length", "random", "tensor", "tensor", "values", *("description",) * 6)
    )
    data = bytearray(content)
    if what == "flip":
        for _ in range(draw.choice((1, 4, 20))):
            data[draw.randrange(draw.choice((6000, len(data))))] ^= 1 << draw.randrange(8)
        return bytes(data)
    if what == "cut":
        return bytes(data[: draw.randrange(len(data))])
    if what == "random":
        return draw.randbytes(draw.choice((0, 1, 8, 100, 5000)))
    if what == "length":
        numbers = (0, 1, 2, 10**8, 2**40, 2**63, 2**64 - 1, len(data), len(data) - 8)
        _write(data, 0, struct.pack("<Q", draw.choice(numbers)))
        return bytes(data)
    header, body = split(content)
    names = [name for name in header if name != "__metadata__"]
    if what == "tensor":
        _tensor(header, names, draw)
    elif what == "values":
        start, stop = header[draw.choice(names)]["data_offsets"]
        changed = bytearray(body)
        for _ in range(draw.choice((1, 50))):
            if stop - start >= 4:
                value = draw.choice((float("nan"), float("inf"), 1e38, -1e38, 1e-40))
                struct.pack_into("<f", changed, start + 4 * draw.randrange((stop - start) // 4), value)
        body = bytes(changed)
    else:
        header["__metadata__"][key] = document(json.loads(header["__metadata__"][key]), draw)
    return joined(header, body)


def _tensor(header: dict[str, Any], names: list[str], draw: Random) -> None:
    name, other = draw.choice(names), draw.choice(names)
    what = draw.choice(("shape", "dtype", "data_offsets", "gone", "renamed", "swapped"))
    if what == "shape":
        shape = header[name]["shape"]
        header[name]["shape"] = draw.choice(
            ([], [0], [1], [10**9] * 2, shape[::-1], [-1], [*shape, 1], [2**63])
        )
    elif what == "dtype":
        header[name]["dtype"] = draw.choice(
            ("F64", "F16", "BF16", "I64", "U8", "BOOL", "I32", "F8_E4M3", "X")
        )
    elif what == "data_offsets":
        places = ([0, 0], [0, 10**12], [-4, 4], [10, 2], header[other]["data_offsets"])
        header[name]["data_offsets"] = draw.choice(places)
    elif what == "gone":
        del header[name]
    elif what == "renamed":
        new = draw.choice(
            ("weights.x", "optimiser.99999999999.step", "optimiser.a.b", "../x", "generator", "")
        )
        header[new] = header.pop(name)
    else:
        header[name], header[other] = header[other], header[name]


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and tensors of a file of safetensors."""
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: dict[str, Any], body: bytes) -> bytes:
    """Return a file of safetensors."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body
