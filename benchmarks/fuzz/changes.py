# SPDX-License-Identifier: Apache-2.0
"""Changes of bytes, texts and JSON: what is cut, doubled, swapped, out of range or of another kind."""

from __future__ import annotations

import copy
import json
import math
import re
from random import Random
from typing import Any

__all__ = ["NUMBERS", "WORDS", "changed_bytes", "changed_json", "changed_number", "changed_value", "changed_word"]

NUMBERS: tuple[Any, ...] = (
    0,
    -0.0,
    1,
    -1,
    2,
    3,
    7,
    63,
    64,
    65,
    255,
    256,
    1 << 31,
    (1 << 31) - 1,
    1 << 32,
    1 << 53,
    (1 << 63) - 1,
    1 << 63,
    1 << 64,
    10**9,
    10**12,
    10**18,
    -(10**9),
    -(1 << 63),
    -(1 << 64),
    10**308,
    10**400,
    10**4299,
    0.5,
    1.5,
    1e-9,
    1e-16,
    1e-17,
    5e-324,
    1e-307,
    2.2e-308,
    1e16,
    1e100,
    1e154,
    1e155,
    1e300,
    1.7976931348623157e308,
    -1e308,
    math.nan,
    math.inf,
    -math.inf,
    1 - 2**-53,
    1 + 2**-52,
)
WORDS = (
    "",
    " ",
    "\n",
    "\t",
    "\0",
    "a",
    "b",
    "a b",
    "a  b",
    " a",
    "c",
    "None",
    "null",
    "true",
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "0x1F",
    "٣",
    "\ud800",
    "\udfff",
    "\u202e",
    "\ufeff",
    "é",
    "e\u0301",
    "漢字",
    "😀",
    "$",
    "$x",
    "$\\frac{1}{0}$",
    "\\",
    "\\n",
    "%s",
    "%n",
    "{}",
    "{0}",
    "[red]",
    "[/]",
    "<script>",
    "&amp;",
    "'",
    '"',
    "`id`",
    "../../x",
    "x" * 300,
    "x" * 5000,
    "a " * 500,
    "--json",
    "-",
    "t1",
    "identity",
    "softmax",
    "nearest",
    "relu",
    "mlp",
    "stinespring/table@1",
    "stinespring/samples@1",
    "stinespring/attention@1",
    "|",
    "++",
    "0b1",
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], [[1, 0], [0, 1]], [1, 2, 3], {"a": 1}, "x", 0)
MARKS = re.compile(rb"[\[\]{}(),:;\"'=]")


def changed_number(value: Any, random: Random) -> Any:
    """Return another number: an extreme one, a near one, or the same with another sign or scale."""
    kind = random.randrange(6)
    if kind < 3 or isinstance(value, bool) or not isinstance(value, int | float):
        return random.choice(NUMBERS)
    if kind == 3:
        return -value
    try:
        if kind == 4:
            return math.nextafter(value, random.choice((math.inf, -math.inf)))
        return value * random.choice((2, 0.5, 1e-12, 1e12, 1e300, 1.0000001, float(1 << 60)))
    except OverflowError:
        return random.choice(NUMBERS)


def changed_word(value: str, random: Random) -> str:
    """Return another text."""
    kind = random.randrange(6)
    if kind < 2 or not value:
        return random.choice(WORDS)
    place = random.randrange(len(value) + 1)
    match kind:
        case 2:
            return value[:place] + random.choice(WORDS)[:400] + value[place:]
        case 3:
            return value[:place] + value[place + 1 :]
        case 4:
            return random.choice((value.upper(), value[::-1], value + value, value * 50, value + " " + value))
    return (
        value[: max(0, place - 1)]
        + chr(random.choice((0, 32, 65, 127, 160, 0x2028, 0xD800, 0x1F600, 0x10FFFF)))
        + value[place:]
    )


def places(data: Any, found: list[tuple[Any, Any]] | None = None, most: int = 5000) -> list[tuple[Any, Any]]:
    """Return every place of a JSON value as (container, key)."""
    found = [] if found is None else found
    keys: Any = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        if len(found) < most:
            found.append((data, key))
            places(data[key], found, most)
    return found


def changed_value(value: Any, random: Random) -> Any:
    """Return something else in a value's place, of the same kind more often than not."""
    if random.random() < 0.12:
        return copy.deepcopy(random.choice(OTHERS))
    if isinstance(value, str):
        return changed_word(value, random) if random.random() < 0.8 else random.choice(NUMBERS)
    if isinstance(value, list):
        return changed_list(value, random)
    if isinstance(value, dict):
        return changed_object(value, random)
    return changed_number(value, random) if random.random() < 0.85 else random.choice(WORDS)


def changed_list(value: list[Any], random: Random) -> Any:
    """Return a list with entries that are gone, doubled, many, in another order or in other lists."""
    if not value:
        return random.choice(([0], [[]], [None], [""]))
    place, other = random.randrange(len(value)), random.randrange(len(value))
    result = copy.deepcopy(value)
    match random.randrange(8):
        case 0:
            del result[place]
        case 1:
            result.insert(other, copy.deepcopy(result[place]))
        case 2:
            result[place], result[other] = result[other], result[place]
        case 3:
            result = result * random.choice((2, 3, 17, 300))
        case 4:
            return [result]
        case 5:
            return result[place]
        case 6:
            return (
                [list(row) for row in zip(*result, strict=False)] if all(isinstance(r, list) for r in result) else result[::-1]
            )
        case _:
            return {str(i): entry for i, entry in enumerate(result)}
    return result


def changed_object(value: dict[str, Any], random: Random) -> Any:
    """Return an object with a field that is gone, misspelt, doubled, or one more."""
    result = copy.deepcopy(value)
    if not value:
        return {random.choice(WORDS): random.choice(OTHERS)}
    name, other = random.choice(list(value)), random.choice(list(value))
    match random.randrange(7):
        case 0:
            del result[name]
        case 1:
            result[name], result[other] = result[other], result[name]
        case 2:
            result[changed_word(name, random)] = result.pop(name)
        case 3:
            result[random.choice(WORDS)] = copy.deepcopy(result[name])
        case 4:
            return list(result.values())
        case 5:
            return {f"{name}{i}": copy.deepcopy(result[name]) for i in range(random.choice((2, 40, 1100)))}
        case _:
            return {name: result}
    return result


def changed_json(content: bytes, random: Random) -> bytes:
    """Return JSON with one to four changes of its values; what is no JSON is changed as bytes."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return changed_bytes(content, random)
    box = [data]
    if random.random() < 0.4:
        return spelt(gently(box, random)[0], random)
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        container, key = random.choice(places(box))
        container[key] = changed_value(container[key], random)
    if random.random() < 0.03:
        for _ in range(random.choice((5, 200, 900, 3000))):
            container[key] = [container[key]] if random.random() < 0.7 else {"a": container[key]}
    text = spelt(box[0], random)
    return changed_bytes(text, random) if random.random() < 0.15 else text


def gently(box: list[Any], random: Random) -> list[Any]:
    """Change some numbers to near ones, or swap two of one list: files that are often good, with other contents."""
    numbers = [(c, k) for c, k in places(box) if isinstance(c[k], int | float) and not isinstance(c[k], bool)]
    for _ in range(random.choice((1, 2, 5))):
        if numbers:
            (container, key), other = random.choice(numbers), random.choice(numbers)
            value = container[key]
            near = (
                0,
                1,
                -1,
                -value,
                2 * value,
                value / 2,
                value + 1,
                value - 1,
                value * (1 + 1e-10),
                value * 1e-12,
                value * 1e12,
                value + 1e-17,
            )
            if random.random() < 0.4:
                container[key], other[0][other[1]] = other[0][other[1]], value
            else:
                new = random.choice(near)
                container[key] = int(new) if isinstance(value, int) and abs(new) < 1e300 else new
    return box


def spelt(data: Any, random: Random) -> bytes:
    """Return JSON in one of its spellings."""
    try:
        text = json.dumps(data, ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 1)))
    except (RecursionError, ValueError):
        return b"[" * 5000
    if random.random() < 0.05 and isinstance(data, dict) and data:  # a field twice
        text = text.rstrip()[:-1] + f", {json.dumps(random.choice(list(data)))}: 1}}"
    code = random.choice(("utf-8", "utf-8", "utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    return text.encode(code, errors="surrogatepass" if code.startswith("utf") else "replace")


def changed_bytes(content: bytes, random: Random) -> bytes:
    """Return bytes with some that are flipped, put in, taken out, repeated, or that are another's mark of punctuation."""
    result = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5))):
        place = random.randrange(len(result) + 1)
        end = min(len(result), place + random.choice((1, 2, 4, 16, 64)))
        size = end - place
        match random.randrange(6):
            case 0 | 1 if size:
                result[place] ^= 1 << random.randrange(8)
            case 2:
                new = random.choice((random.randbytes(size), b"\0" * size, b"\xff" * size, b"9" * 400, b"[" * 50))
                result[place : end if random.random() < 0.5 else place] = new
            case 3:
                del result[place : end if random.random() < 0.7 else None]
            case 4:
                result[place:place] = result[place:end] * random.choice((1, 2, 100))
            case _:
                marks = list(MARKS.finditer(bytes(result)))
                if marks:
                    one, other = random.choice(marks), random.choice(marks)
                    result[one.start() : one.end()] = other.group()
    return bytes(result)
