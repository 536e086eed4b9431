# SPDX-License-Identifier: Apache-2.0
"""Changes of OpenQASM 3: other statements, other numbers, other names, and what a reader must not write out."""

from __future__ import annotations

import re
from random import Random

from benchmarks.fuzz.changes import changed_bytes, changed_word

__all__ = ["changed_program"]

PARTS = re.compile(
    r"\s+|//[^\n]*|\"[^\"]*\"|[A-Za-z_π]\w*|\d+\.?\d*(?:[eE][+-]?\d+)?|\*\*|\+\+|->|==|!=|[<>]=|&&|\|\||.", re.DOTALL
)
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "-1",
    "1000000000",
    "4097",
    "18446744073709551616",
    "9" * 400,
    "1e308",
    "1e-308",
    "1e400",
    "0.5",
    "1.5",
    "0x1F",
    "0b11",
    "1_000",
    "2**(2**40)",
    "2**63",
    "9**9**9**9",
    "(1/0)",
    "pi/0",
    "0/0",
    "1/3",
    "1 % 0",
    "-1 % 2",
    "sqrt(-1)",
    "log(0)",
    "exp(1e9)",
    "arcsin(2)",
    "1e308*10",
    "pi",
    "tau",
    "euler",
    "π",
    "true",
    '"01"',
    "10ns",
    "2im",
    "~0",
    "1 << 70",
    "-(-(-1))",
    "int(1e300)",
    "int[8](300)",
    "float[32](0.1)",
    "uint(-1)",
    "angle(1e9)",
    "bool(2)",
    "sin(1, 2)",
    "popcount(3)",
    "(" * 40 + "1" + ")" * 40,
)
STATEMENTS = (
    "qubit[1000000000] big;",
    "bit[1000000000] many;",
    "qubit[0] none;",
    "qubit[-1] none;",
    "qubit[2**40] big;",
    "qubit sys;",
    "bit outcome;",
    "qreg q[4]; creg c[4];",
    "qubit[4096] a; qubit[4096] b;",
    "const int n = 2**62; qubit[n] big;",
    "const float n = 0.5; qubit[n] half;",
    "for int i in [0:1000000000] { x sys[0]; }",
    "for int i in [0:-1:-1000000000] { x sys[0]; }",
    "for int i in [0:0:5] { x sys[0]; }",
    "for int i in [0:99999] { for int j in [0:99999] { } }",
    "for int i in {1, 2, 3} { x sys[i]; }",
    "for int i in [1:0] { x sys[0]; }",
    "for uint[2] i in [0:7] { x sys[0]; }",
    "for int i in sys { x sys[0]; }",
    "while (true) { x sys[0]; }",
    "if (true) { x sys[0]; }",
    "gate g0 a { x a; x a; } gate g1 a { g0 a; g0 a; } gate g2 a { g1 a; g1 a; } gate g3 a { g2 a; g2 a; } g3 sys[0];",
    "gate loop a { loop a; } loop sys[0];",
    "gate g a { for int i in [0:1000000000] { x a; } } g sys[0];",
    "gate g a, a { } g sys[0], sys[0];",
    "".join(f"gate h{i} a {{ {'x' if i == 0 else f'h{i - 1}'} a; {'x' if i == 0 else f'h{i - 1}'} a; }}\n" for i in range(60))
    + "h59 sys[0];",
    "gate g(t) a { pow(t) @ x a; } g(1e300) sys[0];",
    "pow(1000000000) @ x sys[0];",
    "pow(1e300) @ x sys[0];",
    "pow(-0.5) @ x sys[0];",
    "pow(1000000) @ pow(1000000) @ s sys[0];",
    "inv @ inv @ inv @ t sys[0];",
    "ctrl @ x sys[0];",
    "ctrl(1000000000) @ x sys[0];",
    "ctrl(0) @ x sys[0];",
    "negctrl @ ctrl @ x sys;",
    "ctrl @ gphase(pi) sys[0];",
    "gphase(1e300);",
    "x sys[1000000000];",
    "x sys[-1];",
    "x sys[-2];",
    "x sys[0:1000000000];",
    "x sys[{0, 0}];",
    "cx sys[0], sys[0];",
    "cx sys, sys;",
    "x sys[0][0];",
    "x nothing;",
    "x sys[0.5];",
    "x;",
    "U sys[0];",
    "U(1, 2) sys[0];",
    "barrier;",
    "barrier sys;",
    "delay[100ns] sys[0];",
    "reset sys;",
    "measure sys;",
    "outcome = measure sys;",
    "outcome[0] = measure sys[0];",
    "bit b = measure sys[0]; if (b) { x sys[0]; }",
    "bit[2] c; if (c == 3) { x sys[0]; } else { y sys[0]; }",
    "bit[3] c; if (c == 9) { x sys[0]; }",
    "bit[64] c; if (c == 18446744073709551615) { x sys[0]; }",
    "if (outcome == -1) { x sys[0]; }",
    "bit[2] d; if (d[0] == 1) { if (d[1] == 1) { x sys[0]; } }",
    "bit[2] e; if (e[0] && e[1]) { x sys[0]; }",
    "let a = sys[0:0]; x a;",
    "let a = sys ++ sys; x a;",
    "let a = a;",
    "input float t;",
    "output bit o;",
    "def f(int i) -> int { return i; }",
    "extern f(int) -> int;",
    "defcal x $0 { }",
    "cal { }",
    "pragma x",
    "@note\nx sys[0];",
    "box { x sys[0]; }",
    "box[1us] { x sys[0]; }",
    "switch (1) { case 1 { } }",
    "array[int, 4] a;",
    "duration d = 1ns;",
    "stretch s;",
    "complex[float[64]] z;",
    "int i = 3;",
    "const int i = 3; const int i = 4;",
    "end;",
    "break;",
    "continue;",
    "return;",
    'include "stdgates.inc";',
    'include "/etc/passwd";',
    'include "qelib1.inc";',
    "OPENQASM 2.0;",
    "OPENQASM 3.1;",
    "/* open",
    "// " + "x" * 3000,
    "{" * 40 + "}" * 40,
    "(" * 2000,
    ";" * 3000,
    "x sys[" + "1+" * 300 + "0];",
    "\0",
    "\ufeff",
    "gate 漢 a { x a; } 漢 sys[0];",
    "gate x a { } x sys[0];",
    "gate cx a, b { } ",
    "const float pi = 3;",
    "U(" + "-" * 300 + "1, 0, 0) sys[0];",
    "let z = " + "sys ++ " * 300 + "sys;",
)


def changed_program(content: bytes, random: Random) -> bytes:
    """Return a program with one to four changes of its statements or their parts."""
    kind = random.random()
    if kind < 0.1:
        return changed_bytes(content, random)
    text = content.decode("utf-8", errors="replace")
    for _ in range(random.choice((1, 1, 2, 4))):
        text = changed_part(text, random) if random.random() < 0.55 else changed_statement(text, random)
    return text.encode("utf-8", errors="surrogatepass")


def changed_part(text: str, random: Random) -> str:
    """Change one number, one name, one sign."""
    parts = PARTS.findall(text[:20_000])
    solid = [i for i, part in enumerate(parts) if part.strip()]
    if not solid:
        return random.choice(STATEMENTS)
    numbers = [i for i in solid if parts[i][0].isdigit()]
    if numbers and random.random() < 0.5:
        parts[random.choice(numbers)] = random.choice(NUMBERS)
        return "".join(parts)
    place, other = random.choice(solid), random.choice(solid)
    match random.randrange(5):
        case 0:
            parts[place] = parts[other]
        case 1:
            parts[place], parts[other] = parts[other], parts[place]
        case 2:
            del parts[place]
        case 3:
            parts.insert(
                place,
                random.choice(
                    (
                        parts[other],
                        "inv @ ",
                        "ctrl @ ",
                        "pow(2) @ ",
                        "-",
                        "!",
                        "(",
                        ")",
                        "{",
                        "}",
                        "[",
                        "]",
                        ";",
                        "=",
                        "#",
                        "$0",
                    )
                ),
            )
        case _:
            parts[place] = changed_word(parts[place], random)
    return "".join(parts)


def changed_statement(text: str, random: Random) -> str:
    """Change one statement: take it out, repeat it, move it, wrap it, or put another beside it."""
    statements = re.findall(r"[^;{}]*[;{}]|[^;{}]+", text)
    place, other = random.randrange(len(statements) + 1), random.randrange(len(statements) + 1)
    chosen = statements[place] if place < len(statements) else ""
    match random.randrange(7):
        case 0 if chosen:
            del statements[place]
        case 1:
            statements.insert(place, chosen * random.choice((1, 2, 20)))
        case 2 if chosen:
            statements.insert(other, statements.pop(place))
        case 3 if chosen:
            around = random.choice(
                ("for int i in [0:3] {{ {} }}", "if (outcome == 0) {{ {} }}", "gate new a {{ {} }}", "box {{ {} }}", "{{ {} }}")
            )
            statements[place] = around.format(chosen)
        case _:
            statements.insert(place, "\n" + random.choice(STATEMENTS) + "\n")
    return "".join(statements)
