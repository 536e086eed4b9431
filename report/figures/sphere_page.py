# SPDX-License-Identifier: Apache-2.0
"""The page that plays particles on S^1 and S^2: plain JavaScript on a canvas, no request to anywhere."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Particles on the sphere</title>
<style>
 body { font: 15px system-ui, sans-serif; margin: 1.5rem auto; max-width: 960px; color: #222; }
 canvas { border: 1px solid #ddd; touch-action: none; max-width: 100%; }
 input[type=range] { width: 60%; vertical-align: middle; }
 button { width: 5rem; }
</style>
<h1 style="font-size: 1.2rem">Particles on the sphere</h1>
<p id="what"></p>
<canvas id="sphere" width="520" height="520"></canvas>
<canvas id="energy" width="400" height="520"></canvas>
<p><button id="play">play</button> <input id="slider" type="range" min="0" value="0"> <span id="now"></span></p>
<p>On S&sup2; drag to turn the sphere. Triangles are neurons: filled w &gt; 0, open w &lt; 0.</p>
<script>
const data = __DATA__;
const element = name => document.getElementById(name);
const sphere = element("sphere").getContext("2d"), graph = element("energy").getContext("2d");
const slider = element("slider"), last = data.frames.length - 1;
let turn = 0.5, tilt = 0.35, timer = null;
slider.max = last;
element("what").textContent = data.n + " particles on S" + (data.d === 2 ? "\\u00b9" : "\\u00b2")
  + ", \\u03b2 = " + data.beta + ", " + data.rule;

// Coordinates on the canvas, and whether the point is on the near side.
function place(p, size) {
  if (data.d === 2) return [260 + 210 * size * p[0], 260 - 210 * size * p[1], true];
  const a = Math.cos(turn) * p[0] - Math.sin(turn) * p[1], b = Math.sin(turn) * p[0] + Math.cos(turn) * p[1];
  const up = Math.cos(tilt) * p[2] + Math.sin(tilt) * b, depth = Math.cos(tilt) * b - Math.sin(tilt) * p[2];
  return [260 + 210 * size * a, 260 - 210 * size * up, depth <= 0];
}

function drawSphere(frame) {
  sphere.clearRect(0, 0, 520, 520);
  sphere.strokeStyle = "#bbb";
  sphere.beginPath(); sphere.arc(260, 260, 210, 0, 7); sphere.stroke();
  const points = data.frames[frame].map(p => place(p, 1)).sort((p, q) => p[2] - q[2]);
  for (const [x, y, near] of points) {
    sphere.fillStyle = near ? "rgba(31,78,140,0.75)" : "rgba(31,78,140,0.2)";
    sphere.beginPath(); sphere.arc(x, y, near ? 4 : 3, 0, 7); sphere.fill();
  }
  for (const neuron of data.neurons) {
    const [x, y, near] = place(neuron.a, 1.13), r = 5 + 4 * Math.min(2, Math.abs(neuron.w));
    sphere.beginPath(); sphere.moveTo(x, y - r); sphere.lineTo(x + r, y + r); sphere.lineTo(x - r, y + r); sphere.closePath();
    sphere.globalAlpha = near ? 1 : 0.35; sphere.strokeStyle = sphere.fillStyle = "#c2571a";
    if (neuron.w > 0) sphere.fill(); else sphere.stroke();
    sphere.globalAlpha = 1;
  }
}

function drawEnergy(frame) {
  graph.clearRect(0, 0, 400, 520);
  graph.fillStyle = "#222"; graph.font = "14px system-ui, sans-serif";
  const known = data.energies.filter(e => e !== null);
  if (!known.length) { graph.fillText("no energy outside the gradient case", 20, 30); return; }
  const low = Math.min(...known), high = Math.max(...known), span = (high - low) || 1, end = data.times[last] || 1;
  const x = i => 30 + 350 * data.times[i] / end, y = i => 480 - 420 * (data.energies[i] - low) / span;
  graph.fillText("energy " + (data.energies[frame] === null ? "" : data.energies[frame].toPrecision(8)), 20, 30);
  graph.fillText("time " + data.times[frame].toPrecision(4), 20, 508);
  graph.strokeStyle = "#3b6fb6"; graph.beginPath();
  data.energies.forEach((e, i) => { if (e !== null) { if (i) graph.lineTo(x(i), y(i)); else graph.moveTo(x(i), y(i)); } });
  graph.stroke();
  if (data.energies[frame] !== null) { graph.beginPath(); graph.arc(x(frame), y(frame), 5, 0, 7); graph.fill(); }
}

function show() {
  const frame = Number(slider.value);
  drawSphere(frame); drawEnergy(frame);
  element("now").textContent = "step " + data.steps[frame];
}

element("play").onclick = () => {
  if (timer) { clearInterval(timer); timer = null; element("play").textContent = "play"; return; }
  if (Number(slider.value) === last) slider.value = 0;
  element("play").textContent = "stop";
  timer = setInterval(() => {
    if (Number(slider.value) >= last) element("play").onclick(); else { slider.value = Number(slider.value) + 1; show(); }
  }, 80);
};
slider.oninput = show;
let held = null;
element("sphere").onpointerdown = event => { held = [event.clientX, event.clientY]; };
window.onpointerup = () => { held = null; };
window.onpointermove = event => {
  if (!held) return;
  turn += (event.clientX - held[0]) / 150;
  tilt = Math.max(-1.5, Math.min(1.5, tilt + (event.clientY - held[1]) / 150));
  held = [event.clientX, event.clientY];
  show();
};
show();
</script>
</html>
"""
