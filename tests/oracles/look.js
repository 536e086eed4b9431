// Looks at a page as a person would: words whose contrast is below 4.5, that are small, cut, or lie on each other; what is wider
// than the screen; what scrolls without saying so. Colours below words are those of the elements and of the shapes under them.
(() => {
"use strict";
const found = new Set(), say = (kind, text) => found.add(`${kind}: ${text.trim().slice(0, 60)}`);
const number = text => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const colour = text => { const [r, g, b, a = 1] = number(text); return [r, g, b, a]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = c => [0, 1, 2].map(i => c[i] / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
function ground(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const c = colour(getComputedStyle(e).backgroundColor);
    if (getComputedStyle(e).backgroundColor !== "rgba(0, 0, 0, 0)" && c[3] > 0) { layers.push(c); if (c[3] === 1) break; }
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}
function shapesBelow(svg, text, x, y, below) {
  for (const shape of svg.querySelectorAll("path,rect,circle")) {
    if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
    const style = getComputedStyle(shape);
    if (style.fill === "none" || style.visibility === "hidden") continue;
    const point = new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse());
    if (!shape.isPointInFill(point)) continue;
    const c = colour(style.fill); c[3] *= Number(style.fillOpacity);
    below = over(c, below);
  }
  return below;
}
const wide = document.documentElement.scrollWidth;
if (wide > innerWidth) say("the page is wider than the screen", String(wide));
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let least = 99, smallest = 99, texts = 0;
const boxes = new Map();
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const words = node.textContent, element = node.parentElement;
  if (!words.trim() || element.closest("script,style,title,desc")) continue;
  const range = document.createRange(); range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  if (!box.width || !box.height) continue;
  texts += 1;
  const style = getComputedStyle(element), svg = element.closest("svg");
  const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
  let below = ground(element), ink = colour(svg ? style.fill : style.color), size = parseFloat(style.fontSize);
  if (svg) {
    below = shapesBelow(svg, element, x, y, below);
    const m = element.getScreenCTM(); size *= Math.hypot(m.a, m.b);
    const frame = svg.getBoundingClientRect();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      say("words are cut by their figure", words);
    if (!element.getAttribute("transform")) {
      for (const [other, told] of boxes.get(svg) || [])
        if (box.left < other.right - 2 && other.left < box.right - 2 && box.top < other.bottom - 4 && other.top < box.bottom - 4)
          say("words lie on words", `${told} / ${words}`);
      boxes.set(svg, [...(boxes.get(svg) || []), [box, words]]);
    }
  }
  const found = contrast(over(ink, below), below);
  least = Math.min(least, found); smallest = Math.min(smallest, size);
  if (found < 4.5) say("contrast " + found.toFixed(2), words);
  if (size < 11) say("letters of " + size.toFixed(1), words);
  const inside = element.closest(".scroll");
  if (!inside && (box.right > innerWidth + 1 || box.left < -1)) say("words leave the page", words);
}
for (const e of document.querySelectorAll("body *")) {
  const style = getComputedStyle(e);
  if (e.closest("svg") || e.tagName === "INPUT") continue;
  const cut = e.clientWidth && e.scrollWidth > e.clientWidth + 1 && style.display !== "inline";
  if (cut && style.overflowX !== "auto" && !e.closest(".scroll")) say("cut", `${e.tagName} ${e.textContent}`);
  if (cut && style.overflowX === "auto" && !(e.classList.contains("wide") && getComputedStyle(e, "::after").content.includes("scrolls")))
    say("scrolls without saying so", e.textContent);
}
const drawn = [...document.querySelectorAll("svg")].filter(svg => !svg.closest("details:not([open])"));
for (const svg of drawn) {
  const box = svg.getBoundingClientRect();
  if (!(box.width > 100 && box.height > 40)) say("an empty figure", svg.querySelector("title").textContent);
}
const rounded = value => Number(value.toFixed(2));
return {texts, figures: drawn.length, light: rounded(light(ground(document.body))), least: rounded(least),
  smallest: rounded(smallest), found: [...found]};
})()
