// Elements in a line of code; text is always text, never markup.

type Attributes = Record<string, string | number | boolean>;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

export function find<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export function button(text: string, label: string, press: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", "aria-label": label, title: label }, text);
  made.addEventListener("click", press);
  return made;
}

// A swatch that shows a pattern of the timeline.
export function swatch(tile: HTMLCanvasElement): HTMLElement {
  const made = make("span", { class: "swatch", "aria-hidden": "true" });
  made.style.backgroundImage = `url(${tile.toDataURL()})`;
  return made;
}
