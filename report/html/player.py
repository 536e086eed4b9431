# SPDX-License-Identifier: Apache-2.0
"""Particles on S^1 and S^2, played: drawn as SVG in the colours of the page, by plain JavaScript; no request to anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from stinespring.report.html.document import READING, document

__all__ = ["SCRIPT", "player_page", "stage"]

STAGE = """<div id="player">
<p id="what"></p>
<div class="panels">
<svg id="sphere" viewBox="0 0 420 420" role="img" tabindex="0"><title>%TITLE%</title>
<desc>The particles at the step that the slider says; those on the far side are faint. Triangles are neurons.</desc>
<circle class="open rim" cx="210" cy="210" r="165"/><path id="far" class="dots c1 faint"/><path id="near" class="dots c1"/>
<g id="neurons"></g></svg>
<svg viewBox="0 0 420 420" role="img"><title>energy along the run</title>
<desc>The energy over time; the dot is the step shown.</desc>
<text x="12" y="26" class="strong" id="energy"></text><path class="axis" d="M30 370H400"/>
<text x="12" y="402" class="soft" id="time"></text><path id="curve" class="curve c1"/><circle id="dot" r="6"/></svg>
</div>
<p class="controls"><button type="button" id="play">play</button>
<input id="slider" type="range" min="0" value="0" aria-label="step"> <output id="now"></output></p>
<p class="lead" id="how"></p>
<script type="application/json" id="run">%DATA%</script>
</div>"""

SCRIPT = """
"use strict";
{
const data = JSON.parse(document.getElementById("run").textContent);
const element = name => document.getElementById(name);
const slider = element("slider"), last = data.frames.length - 1, round = data.d === 3;
let turn = 0.5, tilt = 0.35, timer = null;
slider.max = last;
if (data.n <= 50) for (const name of ["near", "far"]) element(name).classList.add("large");
element("what").textContent = data.n + " particles on S" + (round ? "\\u00b2" : "\\u00b9") + ", \\u03b2 = " + data.beta + ", "
  + data.rule;
element("how").textContent = (round ? "Drag the sphere to turn it, or use the arrow keys. " : "")
  + (data.neurons.length ? "Triangles are neurons: filled w > 0, open w < 0." : "");

// Where a point is drawn, and whether it is on the near side.
function place(p, size) {
  if (!round) return [210 + 165 * size * p[0], 210 - 165 * size * p[1], true];
  const a = Math.cos(turn) * p[0] - Math.sin(turn) * p[1], b = Math.sin(turn) * p[0] + Math.cos(turn) * p[1];
  const up = Math.cos(tilt) * p[2] + Math.sin(tilt) * b, depth = Math.cos(tilt) * b - Math.sin(tilt) * p[2];
  return [210 + 165 * size * a, 210 - 165 * size * up, depth <= 0];
}
const dot = p => "M" + p[0].toFixed(1) + " " + p[1].toFixed(1) + "h0";
const triangles = data.neurons.map(() => element("neurons").appendChild(
  document.createElementNS("http://www.w3.org/2000/svg", "path")));

function drawSphere(frame) {
  const points = data.frames[frame].map(p => place(p, 1));
  element("near").setAttribute("d", points.filter(p => p[2]).map(dot).join(""));
  element("far").setAttribute("d", points.filter(p => !p[2]).map(dot).join(""));
  data.neurons.forEach((neuron, i) => {
    const [x, y, near] = place(neuron.a, 1.13), r = 5 + 4 * Math.min(2, Math.abs(neuron.w));
    triangles[i].setAttribute("d", `M${x} ${y - r}L${x + r} ${y + r}L${x - r} ${y + r}Z`);
    triangles[i].setAttribute("class", "neuron c2" + (neuron.w > 0 ? " full" : "") + (near ? "" : " faint"));
  });
}

const known = data.energies.filter(e => e !== null), low = Math.min(...known), span = (Math.max(...known) - low) || 1;
const end = data.times[last] || 1;
const across = i => 30 + 370 * data.times[i] / end, up = i => 360 - 300 * (data.energies[i] - low) / span;
element("curve").setAttribute("d", data.energies.map((e, i) => [e, i]).filter(p => p[0] !== null).map((p, n) =>
  (n ? "L" : "M") + across(p[1]).toFixed(1) + " " + up(p[1]).toFixed(1)).join("") || "M0 0");

function show() {
  const frame = Number(slider.value), energy = data.energies[frame];
  drawSphere(frame);
  element("energy").textContent = !known.length ? "no energy outside the gradient case"
    : "energy " + (energy === null ? "" : energy.toPrecision(8));
  element("time").textContent = "time " + data.times[frame].toPrecision(4);
  element("dot").setAttribute("visibility", energy === null ? "hidden" : "visible");
  if (energy !== null) { element("dot").setAttribute("cx", across(frame)); element("dot").setAttribute("cy", up(frame)); }
  element("now").textContent = "step " + data.steps[frame];
}

function play() {
  if (timer) { clearInterval(timer); timer = null; element("play").textContent = "play"; return; }
  if (Number(slider.value) === last) slider.value = 0;
  element("play").textContent = "stop";
  timer = setInterval(() => {
    if (Number(slider.value) >= last) play(); else { slider.value = Number(slider.value) + 1; show(); }
  }, 80);
}
element("play").addEventListener("click", play);
slider.addEventListener("input", show);
let held = null;
const sphere = element("sphere");
const turned = (right, down) => {
  turn += right; tilt = Math.max(-1.5, Math.min(1.5, tilt + down)); drawSphere(Number(slider.value));
};
if (round) {
  sphere.classList.add("turns");
  sphere.addEventListener("pointerdown", event => { held = [event.clientX, event.clientY]; });
  addEventListener("pointerup", () => { held = null; });
  addEventListener("pointermove", event => {
    if (!held) return;
    turned((event.clientX - held[0]) / 150, (event.clientY - held[1]) / 150);
    held = [event.clientX, event.clientY];
  });
  sphere.addEventListener("keydown", event => {
    const way = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]}[event.key];
    if (way) { turned(...way); event.preventDefault(); }
  });
}
show();
}
"""


def stage(data: Mapping[str, Any], title: str) -> str:
    """Return what :data:`SCRIPT` plays on: the elements and the run as data, which cannot end the script it stands in.

    Args:
        data: ``d``, ``n``, ``beta``, ``rule``; ``frames`` (positions), ``steps``, ``times`` and ``energies`` (null where there
            is none) of every moment; ``neurons`` with direction ``a`` and weight ``w``.
        title: for who cannot see it.
    """
    told = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    return STAGE.replace("%TITLE%", escape(title)).replace("%DATA%", told)


def player_page(data: Mapping[str, Any]) -> str:
    """Return a page that plays a run and nothing else."""
    title = "Particles on the sphere"
    return document(title, f"<h1>{title}</h1>\n{stage(data, 'particles, to be played and turned')}", (READING, SCRIPT))
