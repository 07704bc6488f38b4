/** Runs in the browser: text with less contrast than WCAG AA wants, 4.5, or 3 for large text. */
export const LOW_CONTRAST = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll('body *')]
    .filter((element) => own(element) && element.checkVisibility())
    .flatMap((element) => {
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      const [light, dark] = [luminance(numbers(color)), luminance(backgroundOf(element))].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = Number.parseFloat(fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
      return ratio < (isLarge ? 3 : 4.5) ? [element.textContent.trim() + ' ' + ratio.toFixed(2)] : [];
    });
})()`;

/** Runs in the browser: what a screen reader could not name or find its way in. */
export const NAMELESS = `(() => {
  const named = (element) =>
    element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length || element.alt !== undefined && element.hasAttribute('alt');
  const controls = [...document.querySelectorAll('button, a, input, select, textarea, img')];
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  const references = [...document.querySelectorAll('[aria-labelledby], label[for]')].map(
    (element) => element.getAttribute('aria-labelledby') ?? element.htmlFor,
  );
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]));
  return [
    ...controls.filter((element) => !named(element)).map((element) => element.outerHTML),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => 'twice: ' + id),
    ...references.filter((id) => !ids.includes(id)).map((id) => 'missing: ' + id),
    ...levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1).map((level) => 'skips to h' + level),
  ];
})()`;

/** Runs in the browser: elements that stick out of the viewport to the right. */
export const OVERFLOWING = `[...document.querySelectorAll('body *')]
  .filter((element) => !element.closest('.hidden') && element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((element) => element.className || element.tagName)
  .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page scrolls sideways'] : [])`;
