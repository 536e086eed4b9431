// The width of the page, and the least contrast and the smallest letters among the words of its article.
(() => {
  const numbers = colour => { const found = colour.match(/[\d.]+/g).map(Number); return found.length > 3 ? found : [...found, 1]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = colour => colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  function ground(element) {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  }
  let contrast = 99, size = 99, words = 0, pale = "", small = "";
  for (const element of document.querySelectorAll("article *")) {
    const spoken = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!spoken || !element.getBoundingClientRect().width || element.closest(".headerlink, nav, button, svg")) continue;
    words += 1;
    const below = ground(element), [x, y] = [light(over(numbers(style.color), below)), light(below)].sort((a, b) => b - a);
    const found = (x + 0.05) / (y + 0.05), letters = parseFloat(style.fontSize);
    if (found < contrast) [contrast, pale] = [found, element.textContent.slice(0, 40)];
    if (letters < size) [size, small] = [letters, element.textContent.slice(0, 40)];
  }
  return {
    wide: document.documentElement.scrollWidth, contrast, size, words, pale, small, dark: light(ground(document.body)) < 0.2,
  };
})()
