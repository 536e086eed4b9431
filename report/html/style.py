# SPDX-License-Identifier: Apache-2.0
"""How the report looks: light and dark, on a telephone and on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5a6472; --paper: #ffffff; --line: #d9dee5; --tint: #f4f6f9;
  --pass: #1b7f4d; --fail: #b3261e; --unverified: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #a4adba; --paper: #14181f; --line: #343c48;
  --tint: #1d232c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.lead, caption, figcaption { color: var(--soft); }
.verdict { border-left: .4rem solid var(--line); background: var(--tint); padding: .4rem .9rem; margin: 1rem 0; }
.verdict.PASS { border-color: var(--pass); } .verdict.FAIL { border-color: var(--fail); }
.verdict.UNVERIFIED { border-color: var(--unverified); }
.badge { display: inline-block; padding: .05rem .55rem; border-radius: .3rem; color: #fff; font-weight: 700; font-size: .85em;
  letter-spacing: .03em; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.badge.PASS { background: var(--pass); } .badge.FAIL { background: var(--fail); }
.badge.UNVERIFIED { background: var(--unverified); }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
th.words, td.words, tbody th { text-align: left; }
tbody th { font-weight: 400; }
td.words, tbody th { overflow-wrap: anywhere; min-width: 6rem; white-space: pre-wrap; }
td.words:not(:nth-child(2)) { min-width: 14rem; }
figure { margin: 1.2rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: .3rem; }
figcaption { font-size: .9rem; margin-top: .3rem; }
iframe { width: 100%; height: 46rem; border: 1px solid var(--line); border-radius: .3rem; background: #fff;
  color-scheme: light; }
pre { background: var(--tint); padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: .3rem; }
@media print { main { max-width: none; padding: 0; } figure, tr, .verdict { break-inside: avoid; } h2 { break-after: avoid; }
  .scroll { overflow: visible; } figure:has(iframe) { display: none; } }
""".strip()
