// Every visible text with the ratio of its colour to the colour it stands on (no page here has images behind text).
() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const color = channels(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
      if (color[3] > 0) throw new Error(`a half transparent ground under ${element.className}`);
    }
    throw new Error("no ground");
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if ((own || element.matches("textarea")) && box.width > 1 && box.height > 1) {
      const pseudo = element.matches("textarea") ? "::placeholder" : null;
      const text = luminance(channels(getComputedStyle(element, pseudo).color));
      found.push([`${element.tagName}.${element.className}`, ratio(text, luminance(ground(element)))]);
    }
  }
  return found;
}
