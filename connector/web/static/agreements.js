"use strict";
// Mistakes while one types: the text goes to the server, which is the only one that knows. The page works without this.

const form = document.querySelector("form[data-check]");
const text = document.getElementById("f-text");
const found = document.getElementById("found");
const gutter = document.querySelector(".gutter");
let waiting = 0;
let asked = 0;

function number(marked) {
  const lines = text.value.split("\n").length;
  gutter.replaceChildren(...Array.from({ length: lines }, (_, i) => {
    const line = document.createElement("span");
    line.textContent = `${i + 1}\n`;
    if (marked.has(i + 1)) line.className = marked.get(i + 1);
    return line;
  }));
  gutter.scrollTop = text.scrollTop;
}

function goTo(line, column) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const from = start + Math.max(0, Math.min(column - 1, (lines[line - 1] ?? "").length));
  text.focus();
  text.setSelectionRange(from, start + (lines[line - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 4) * height);
}

function show(problems) {
  const marked = new Map();
  const list = document.createElement("ul");
  list.className = "problems";
  for (const one of problems) {
    const tone = one.severity === "error" ? "bad" : "warn";
    const item = document.createElement("li");
    item.className = tone;
    if (one.here && one.line) {
      if (marked.get(one.line) !== "bad") marked.set(one.line, tone);
      const link = document.createElement("a");
      link.href = "#f-text";
      link.dataset.line = one.line;
      link.dataset.column = one.column;
      link.textContent = found.dataset.lineWord.replace("{n}", one.line);
      item.append(link);
    } else if (one.file) {
      const file = document.createElement("code");
      file.textContent = one.line ? `${one.file}:${one.line}` : one.file;
      item.append(file);
    }
    if (tone === "warn") item.append(` ${found.dataset.warning}`);
    item.append(` ${one.text}`);
    list.append(item);
  }
  const none = document.createElement("p");
  none.className = "mb-0 good-text";
  none.textContent = found.dataset.none;
  found.replaceChildren(problems.length ? list : none);
  number(marked);
}

async function check() {
  const mine = ++asked;
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  body.set("text", text.value);
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body });
    if (answer.ok && mine === asked) show((await answer.json()).problems);
  } catch {
    // Not reachable now: the buttons still work, and say so.
  }
}

text.addEventListener("input", () => {
  number(new Map());
  clearTimeout(waiting);
  waiting = setTimeout(check, 500);
});
text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
found.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  goTo(Number(link.dataset.line), Number(link.dataset.column));
});
number(new Map([...found.querySelectorAll("li [data-line]")].map(
  (link) => [Number(link.dataset.line), link.closest("li").className])));
