# SPDX-License-Identifier: Apache-2.0
"""OpenQASM 3 text: read from a file, cut into pieces that a parser can take one after the other, and parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from stinespring.errors import InputError, TooLargeError
from stinespring.reading import read_bytes

if TYPE_CHECKING:
    from openqasm3 import ast

__all__ = ["MOST_STATEMENTS", "parsed", "read_text"]

MOST_BYTES = 1 << 26
MOST_STATEMENTS = 1 << 15  # the parser reads about two thousand in a second
MOST_OF_ONE = 1 << 21  # characters of one statement, a gate's definition among them
MOST_PLAIN = 1 << 15  # characters without a brace or a semicolon: a call with its operands, an expression
DEEPEST = 32  # brackets within brackets
PIECE = 1 << 16  # characters that are parsed at once: a parse tree takes some 400 bytes for each
MARKS = re.compile(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'|[{}()\[\];]", re.DOTALL)
ELSE = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*else\b", re.DOTALL)
NOT_THE_FIRST = re.compile(r"\s*OPENQASM\b")


def read_text(path: str | Path) -> str:
    """Return the text of a program's file.

    Raises:
        InputError: no such file, something that is no file (a folder, a pipe, a device), or not UTF-8.
        TooLargeError: more than 64 MB.
    """
    try:
        return read_bytes(path, kind="program", expected="an OpenQASM 3 file", most=MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the program cannot be read", got=f"{path}: {error}", expected="an OpenQASM 3 file") from None


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield parts of a program that end between two statements, each with the number of its first line.

    Raises:
        InputError: brackets that are nested too deeply.
        TooLargeError: too many statements, or one that is too long.
    """
    depth, count, start, line = 0, 0, 0, 1
    last = 0  # where the current statement begins
    for mark in MARKS.finditer(text):
        symbol = mark.group()
        if symbol in "{([":
            depth += 1
            if depth > DEEPEST:
                raise InputError(
                    "the program is nested too deeply",
                    got=f"more than {DEEPEST} brackets within each other, line {1 + text.count(chr(10), 0, mark.start())}",
                    expected="flat 'if', loops and expressions",
                )
        elif symbol in "})]":
            depth -= 1
        elif symbol == ";":
            count += 1
            if count > MOST_STATEMENTS:
                raise TooLargeError(
                    "the program is too long", got=f"more than {count - 1:,} statements", expected="fewer statements"
                )
            if mark.end() - last > MOST_OF_ONE:
                break
            if depth == 0 and mark.end() - start < PIECE:
                last = mark.end()
            elif depth == 0 and not ELSE.match(text, mark.end()):
                yield line, text[start : mark.end()]
                line += text.count("\n", start, mark.end())
                start = last = mark.end()
    if len(text) - last > MOST_OF_ONE:
        raise TooLargeError("a statement is too long", got=f"{len(text) - last:,} characters", expected="shorter ones")
    if text[start:].strip() or not start:
        yield line, text[start:]


def require_plain(text: str) -> None:
    """Refuse a long part of a statement without a brace or a semicolon: the parser takes minutes for one of a million operands.

    Raises:
        TooLargeError: there is one; the message names its line.
    """
    begin = 0
    for mark in (*MARKS.finditer(text), None):
        end = len(text.rstrip()) if mark is None else mark.start()
        if mark is not None and mark.group()[0] == "/" and not text[begin:end].strip():
            begin = mark.end()  # a comment before a statement
        elif mark is None or mark.group() in "{};":
            if end - begin > MOST_PLAIN:
                what = f"more than {MOST_PLAIN:,} characters, line {1 + text.count(chr(10), 0, begin)}"
                raise TooLargeError("a statement is too long", got=what, expected="fewer operands, flat expressions")
            begin = end + 1


def parsed(text: str) -> Iterator[tuple[int, ast.Program]]:
    """Yield the syntax trees of a program's parts, each with the number of its first line.

    Raises:
        InputError: no OpenQASM 3; the message names the line.
    """
    import openqasm3
    from openqasm3.parser import QASM3ParsingError

    if not text.strip():
        raise InputError("the program is empty", expected="OpenQASM 3")
    require_plain(text)
    for line, piece in list(pieces(text)):  # all of it is measured before anything is parsed
        if line > 1 and NOT_THE_FIRST.match(piece):
            raise InputError("the program states its version twice", got=f"line {line}", expected="OPENQASM 3.0; at the top")
        try:
            with redirect_stderr(StringIO()):  # the lexer also prints what it raises
                tree = openqasm3.parse(piece)
        except RecursionError:
            raise InputError("the program is nested too deeply", got=f"from line {line} on", expected="flat text") from None
        except QASM3ParsingError as error:
            raise InputError(
                "the program is not OpenQASM 3", got=where(error, line), expected="the language's grammar"
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
            what = f"from line {line} on: {str(error) or type(error).__name__}"
            raise InputError("the program is not OpenQASM 3", got=what, expected="the language's grammar") from None
        version = tree.version
        if version is not None and version.split(".")[0] != "3":
            raise InputError("the program is written in another language", got=f"OPENQASM {version}", expected="OPENQASM 3")
        yield line, tree


def where(error: Exception, first: int) -> str:
    """Return what a parser's error says, with the line of the whole text."""
    found = re.match(r"L(\d+):C\d+: (.*)", str(error), re.DOTALL)
    if found:
        return f"line {first + int(found[1]) - 1}: {found[2]}"
    cause: BaseException | None = error
    while cause is not None:
        inner = next((a for a in cause.args if isinstance(a, Exception)), None) or cause.__cause__
        token = getattr(cause, "offendingToken", None)
        if token is not None:
            return f"line {first + token.line - 1}: {token.text!r} is not expected there"
        cause = inner
    return f"from line {first} on: {error}"
