# SPDX-License-Identifier: Apache-2.0
"""Changes of ledgers, of texts, and of the words of a command line."""

from __future__ import annotations

import json
import sqlite3
import zlib
from random import Random
from typing import Any

from benchmarks.fuzz.changes import NUMBERS, changed_bytes, changed_json, changed_number, changed_word

__all__ = ["changed_command", "changed_ledger", "changed_lines"]

SAFE = (
    "",
    " ",
    "a",
    "a b",
    "b a",
    "a c",
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1e-9",
    "1e-300",
    "1e308",
    "1e400",
    "1000000000",
    "-1000000000",
    "1000000000000000000000",
    "9" * 400,
    "0x10",
    "٣",
    "1_000",
    "1.0",
    "true",
    "none",
    "auto",
    "all",
    "exact",
    "free",
    "static",
    "dynamic",
    "stepwise",
    "token",
    "position",
    "dephased",
    "known",
    "quantum",
    "binary",
    "$x$",
    "\\",
    "{}",
    "%s",
    "[red]",
    "é",
    "\u202e",
    "漢字",
    "😀",
    "\udc80",
    "'",
    '"',
    "a\nb",
    "a\tb",
    "x" * 300,
    "x" * 5000,
    "nowhere.json",
    ".",
    "two_tokens.json",
    "counts.json",
    "spins.json",
    "sphere.json",
    "channel.npz",
    "program.qasm",
    "lens.safetensors",
    "glassllm:xx",
    "glassllm:",
    "module:thing",
    "aer",
    "aer?",
    "aer?noise=",
    "aer?noise=nowhere",
    "aer?noise=counts.json",
    "aer?method=statevector",
    "aer?method=x",
    "aer?x=y",
    "aer?method=statevector&method=x",
    "fake:",
    "fake:x",
    "fake:boston",
    "line:5",
    "line:0",
    "line:-1",
    "line:1000000000",
    "grid:2x2",
    "grid:0x0",
    "grid:x",
    "grid:1000000000x1000000000",
    "heavy-hex:3",
    "heavy-hex:2",
    "heavy-hex:1000000001",
    "tuned:",
    "tuned:lens.safetensors",
    "tuned:counts.json",
    "logit",
    "latest",
    "--",
    "-",
    "=",
    "--json",
    "--help",
    "--nothing",
    "--prompt",
    "--steps",
    "--seed=1",
    "--seed",
    "contexts",
    "pairs",
    "bits",
    "readout",
    "always",
    "isometry",
    "tree",
    "hadamard",
    "swap",
    "0:1:3",
    "1:0:3",
    "0:1:0",
    "0:1:1000000000",
    "a:b:c",
    "nan:1:2",
)


def changed_ledger(content: bytes, random: Random) -> bytes:
    """Return a ledger with a changed cell, row, table or page."""
    if random.random() < 0.3:
        return changed_bytes(content, random)
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.deserialize(content)
            connection.execute("PRAGMA foreign_keys = OFF")
            change_table(connection, random)
            connection.commit()
            return connection.serialize()
    except (sqlite3.Error, OverflowError, UnicodeError):
        return changed_bytes(content, random)


def change_table(connection: sqlite3.Connection, random: Random) -> None:
    """Change one thing in a database."""
    tables = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if "sqlite" not in name
    ]
    table = random.choice(tables)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    column = random.choice(columns)
    match random.randrange(10):
        case 0:
            connection.execute(f"DROP TABLE {table}")
        case 1:
            connection.execute(f"DELETE FROM {table}")
        case 2:
            connection.execute(f"PRAGMA user_version = {random.choice((-1, 0, 1, 2, 3, 99, 2**31 - 1))}")
        case 3:
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO other")
        case _:
            rows = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()
            if rows:
                row = random.choice(rows)
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?", (changed_cell(row[1], random), row[0])
                )


def changed_cell(value: Any, random: Random) -> Any:
    """Return another cell; of JSON and of packed bytes one that still can be unpacked, more often than not."""
    kind = random.random()
    if kind < 0.15 or value is None:
        return random.choice((None, b"", b"\0", "", "{}", "[]", "null", "x", -1, 0, 2**62, 1e300, "é"))
    if isinstance(value, str):
        text = value.encode("utf-8", errors="surrogatepass")
        return (changed_json if text[:1] in b"[{" else changed_bytes)(text, random).decode("utf-8", errors="replace")
    if isinstance(value, bytes):
        try:
            return zlib.compress(changed_json(zlib.decompress(value), random)) if kind < 0.7 else changed_bytes(value, random)
        except zlib.error:
            return changed_bytes(value, random)
    number = changed_number(value, random)
    return number if isinstance(number, float) or abs(number) < 1 << 63 else str(number)


def changed_lines(content: bytes, random: Random) -> bytes:
    """Return a text file with a changed line, or one in another encoding."""
    if random.random() < 0.4:
        return changed_bytes(content, random)
    lines = content.decode("utf-8", errors="replace").split("\n")
    place = random.randrange(len(lines))
    lines[place] = changed_word(lines[place], random)
    if random.random() < 0.2:
        lines = lines * random.choice((0, 2, 3))
    return "\n".join(lines).encode(random.choice(("utf-8", "utf-8", "utf-16", "utf-8-sig")), errors="surrogatepass")


def changed_command(content: bytes, random: Random) -> bytes:
    """Return a command line, a list in JSON, with words that are others, gone, doubled or one more.

    Nothing that is written comes from outside the folder: no word names a device, and the file of ``-o`` stays.
    """
    words = json.loads(content)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.randrange(1, len(words)) if len(words) > 1 else 0
        word = random.choice(SAFE) if random.random() < 0.8 else str(random.choice([n for n in NUMBERS if abs(n) < 10**400]))
        match random.randrange(8):
            case 0 if len(words) > 1:
                del words[place]
            case 1:
                words.insert(place, word)
            case 2 if len(words) > 2:
                other = random.randrange(1, len(words))
                words[place], words[other] = words[other], words[place]
            case 3:
                words.append(words[place])
            case _:
                words[place] = word
    return json.dumps([word.replace("\0", "") for word in words]).encode()
