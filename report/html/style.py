# SPDX-License-Identifier: Apache-2.0
"""How the report looks: light and dark, on a telephone and on paper."""

from __future__ import annotations

__all__ = ["STYLE"]

LIGHT = """--ink: #1d2430; --soft: #545d6b; --paper: #ffffff; --line: #d3d9e1; --tint: #f3f5f8; --shade: rgba(20, 30, 50,
  .28);
  --sampled: #2f66b0; --law: #ad4f00; --heat: #78afee; --strong: #1b7f4d; --pass: #1b7f4d; --fail: #b3261e;
  --unverified: #8a6100; --c1: #2f66b0; --c2: #ad4f00; --c3: #1b7f4d; --c4: #8e44ad; --c5: #b3261e; --c6: #545d6b;
  --prompt: #e4e7ec; --token: #cfe0f5; --environment: #fbe3c6; --memory: #d8edd8; --ancilla: #eceef1;"""
DARK = """--ink: #e6e9ee; --soft: #a9b2bf; --paper: #14181f; --line: #3a4350; --tint: #1d232c; --shade: rgba(160, 185, 230,
  .32);
  --sampled: #6fa8f5; --law: #f2a65e; --heat: #2c5f9e; --strong: #6fd09b; --pass: #1b7f4d; --fail: #b3261e;
  --unverified: #8a6100; --c1: #6fa8f5; --c2: #f2a65e; --c3: #6fd09b; --c4: #cf9cf0; --c5: #ff8f85; --c6: #a9b2bf;
  --prompt: #333b47; --token: #223f63; --environment: #553b16; --memory: #1f4429; --ancilla: #2a303a;"""

PAGE = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { overflow-wrap: anywhere; max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; overflow-wrap: anywhere; }
a { color: var(--c1); }
.lead, .caption, figcaption { color: var(--soft); }
.verdict { border-left: .4rem solid var(--line); background: var(--tint); padding: .4rem .9rem; margin: 1rem 0; }
.verdict.PASS { border-color: var(--pass); } .verdict.FAIL { border-color: var(--fail); }
.verdict.UNVERIFIED { border-color: var(--unverified); }
.badge { display: inline-block; padding: .05rem .55rem; border-radius: .3rem; color: #fff; font-weight: 700; font-size: .85em;
  letter-spacing: .03em; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.badge.PASS { background: var(--pass); } .badge.FAIL { background: var(--fail); }
.badge.UNVERIFIED { background: var(--unverified); }
pre { background: var(--tint); padding: .7rem .9rem; margin: 0; border-radius: .3rem; font-size: .85rem; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .3rem; margin: .8rem 0; padding: 0 .8rem; }
details[open] { padding-bottom: .6rem; }
summary { cursor: pointer; padding: .5rem 0; }
button { font: inherit; color: var(--ink); background: var(--tint); border: 1px solid var(--soft); border-radius: .3rem;
  padding: .25rem .8rem; margin: .3rem .4rem .3rem 0; cursor: pointer; }
:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; }
"""

TABLES = r"""
.scroll { overflow-x: auto; margin: .8rem 0; background:
  linear-gradient(to right, var(--paper) 40%, transparent) -1px -1px / 2.4rem calc(100% + 2px) no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right -1px top -1px / 2.4rem calc(100% + 2px) no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / .9rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / .9rem 100% no-repeat scroll; }
.wide::after { content: "\2194\00a0 scrolls sideways"; position: sticky; left: 0; display: block; width: max-content;
  color: var(--soft);
  font-size: .85rem; padding: .15rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.caption { margin: .9rem 0 -.4rem; font-size: .9rem; }
th, td { overflow-wrap: normal; padding: .25rem .7rem .25rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
th.words, td.words, tbody th { text-align: left; }
tbody th { font-weight: 400; }
td.words, tbody th { min-width: 6rem; white-space: pre-wrap; }
td.words { overflow-wrap: anywhere; } tbody th { overflow-wrap: break-word; max-width: 20rem; }
td.words:not(:nth-child(2)) { min-width: 17rem; }
@media (max-width: 40rem) { th, td { padding-right: .5rem; } td.words, tbody th { min-width: 3.5rem; } }
td.code { font-family: ui-monospace, monospace; font-size: .9em; }
"""

FIGURES = """
figure { margin: 1.2rem 0; }
figcaption { font-size: .9rem; margin-top: .3rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: .6rem 1.5rem;
  align-items: start; }
.panels > svg { width: 100%; height: auto; }
.panels > .scroll { grid-column: 1 / -1; min-width: 0; margin: 0; }
svg { display: block; font: 14px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg text.soft { fill: var(--soft); font-size: 13px; } svg .strong { font-weight: 600; }
svg .mono { font-family: ui-monospace, monospace; } svg .small { font-size: 13px; } svg .tiny { font-size: 12px; }
svg .tabular { font-size: 13px; font-variant-numeric: tabular-nums; }
svg rect.mark { fill: none; stroke: var(--law); stroke-width: 2.5; } svg text.off { fill: var(--c5); }
svg path, svg line { fill: none; stroke: var(--ink); stroke-width: 1; }
svg .axis { stroke: var(--soft); } svg .grid { stroke: var(--line); } svg .thin { stroke: var(--soft); }
svg rect.sampled { fill: var(--sampled); fill-opacity: .75; } svg rect.law { fill: var(--law); }
svg rect.heat { fill: var(--heat); }
svg rect.frame { fill: none; stroke: var(--line); } svg rect.plain { fill: var(--paper); stroke: var(--soft); }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; } svg path.ring { stroke: var(--paper); }
svg path.law { fill: var(--law); } svg .band { fill: var(--law); fill-opacity: .22; stroke: none; }
svg .lawline { stroke: var(--law); stroke-width: 1.5; } svg .dots { stroke-linecap: round; stroke-width: 5;
  stroke-opacity: .8; }
svg .dots.sampled { stroke: var(--sampled); } svg .dots.fine { stroke-width: 2.5; } svg .dots.large { stroke-width: 7; }
svg .dots.pixel { stroke-width: 1.2; }
svg .c1 { stroke: var(--c1); } svg .c2 { stroke: var(--c2); } svg .c3 { stroke: var(--c3); } svg .c4 { stroke: var(--c4); }
svg .c5 { stroke: var(--c5); } svg .c6 { stroke: var(--c6); } svg .curve { stroke-width: 1.8; }
svg .thick { stroke-width: 3.5; } svg .faint { stroke-opacity: .35; }
svg rect.c1 { fill: var(--c1); stroke: none; } svg rect.c2 { fill: var(--c2); stroke: none; }
svg rect.c6 { fill: var(--c6); stroke: none; }
svg .dash { stroke-dasharray: 6 4; } svg path.area { stroke: none; fill-opacity: .25; } svg path.area.c2 { fill: var(--c2);
  } svg path.off { stroke: var(--c5); stroke-width: 2.5; } svg rect.off { fill: var(--c5); }
svg .gate { stroke: var(--ink); } svg .guide { stroke: var(--soft); stroke-dasharray: 2 3; }
svg .prompt { fill: var(--prompt); } svg .token { fill: var(--token); }
svg .environment { fill: var(--environment); } svg .memory { fill: var(--memory); } svg .ancilla { fill: var(--ancilla); }
svg circle { fill: var(--ink); stroke: var(--ink); } svg circle.open { fill: var(--paper); }
svg circle.rim { stroke: var(--soft); } svg .neuron { stroke-width: 1.6; } svg .neuron.full { fill: var(--c2); }
svg.turns { touch-action: none; cursor: grab; } .controls { display: flex; gap: .6rem; align-items: center; flex-wrap: wrap; }
.controls input { flex: 1 1 10rem; accent-color: var(--c1); } .controls output { min-width: 5.5rem; }
"""

PRINT = """
@media print { main { max-width: none; padding: 0; } figure, tr, .verdict { break-inside: avoid; } h2 { break-after: avoid; }
  .scroll { overflow: visible; background: none; } .player, button, .wide::after { display: none; }
  .panels > .scroll > svg { max-width: 100%; height: auto; } }
"""

STYLE = (
    f":root {{ color-scheme: light; {LIGHT} }}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ :root:not(.light) {{ color-scheme: dark; {DARK} }} }}\n"
    f"@media screen {{ :root.dark {{ color-scheme: dark; {DARK} }} }}"
    + PAGE + TABLES + FIGURES + PRINT
).strip()  # fmt: skip
