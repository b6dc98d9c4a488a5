"use strict";
// What advisor/board.py counts, for whatever set is chosen; a test compares the two.
const board = JSON.parse(document.getElementById("board-data").textContent);
const boxes = [...document.querySelectorAll("#board input[type=checkbox]")];
const CLASS = { w: "hurt", u: "stopped", ".": "undecided" };
const ORDER = ["hurt", "undecided", "stopped"];
const SHOWN = 25;

function fate([letters, ways], chosen) {
  let waiting = "", doubtful = false;
  for (const number of chosen) {
    const letter = letters[number];
    if (letter === "?") doubtful = true;
    else if (letter === "F") waiting = waiting || ways[number];
    else if (letter === "R" || letter === "D") {
      return { turned: "t", way: waiting || ways[number], code: doubtful ? "?" : letter === "R" ? "5" : "4" };
    }
  }
  if (waiting) return { turned: "t", way: waiting, code: doubtful ? "?" : "4" };
  return { turned: doubtful ? "?" : "p", way: ".", code: "?" };
}

function count(chosen) {
  const fates = board.combinations.map((each) => fate(each, chosen));
  const zero = () => ({ stopped: 0, hurt: 0, undecided: 0, passed: 0, no_evidence: 0 });
  const sums = { ...zero(), refused: 0, delayed: 0, stopped_clients: 0, hurt_clients: 0, undecided_clients: 0 };
  const days = board.dates.map(zero);
  for (const [number, day, attempts] of board.days) {
    const { turned, way, code } = fates[number];
    const name = turned === "t" ? CLASS[way] : turned === "p" ? "passed" : "no_evidence";
    sums[name] += attempts;
    days[day][name] += attempts;
    if (turned === "t" && code !== "?") sums[code === "5" ? "refused" : "delayed"] += attempts;
  }
  for (const [numbers, clients] of board.groups) {
    const names = new Set(numbers.filter((one) => fates[one].turned === "t").map((one) => CLASS[fates[one].way]));
    for (const name of names) sums[`${name}_clients`] += clients;
  }
  return { sums, days, clients: named(fates) };
}

function named(fates) {
  const found = [];
  for (const [address, name, attempts] of board.clients) {
    const sums = { hurt: 0, undecided: 0, stopped: 0 };
    for (const [number, times] of attempts) {
      if (fates[number].turned === "t") sums[CLASS[fates[number].way]] += times;
    }
    const first = ORDER.find((one) => sums[one]);
    if (first) found.push({ address, name, sums, first, all: ORDER.reduce((all, one) => all + sums[one], 0) });
  }
  return found.sort((a, b) => ORDER.indexOf(a.first) - ORDER.indexOf(b.first) || b.all - a.all);
}

function number(value) {
  return value.toLocaleString("en-US");
}

function put(id, value) {
  document.getElementById(`board-${id}`).textContent = value;
}

function fill(id, rows) {
  const body = document.getElementById(`board-${id}`);
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    cells.forEach((text, at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (at && (id === "days" || at === 1)) cell.className = "n";
      if (!at) cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  }));
}

function draw(days) {
  const picture = document.getElementById("board-chart");
  const top = Math.max(1, ...days.map((day) => day.stopped + day.hurt + day.undecided));
  const wide = 560 / Math.max(1, days.length), high = 120;
  const bars = days.flatMap((day, at) => {
    let base = high;
    return ["stopped", "undecided", "hurt"].map((name) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const tall = (day[name] / top) * high;
      base -= tall;
      const place = { x: at * wide + 1, y: base, width: Math.max(1, wide - 2), height: tall, class: name };
      for (const [key, value] of Object.entries(place)) bar.setAttribute(key, value);
      return bar;
    });
  });
  picture.replaceChildren(...bars);
}

function lines(chosen) {
  const found = [], of = new Map();
  for (const [parameter, text, knob] of board.lines) {
    if (!of.has(parameter)) of.set(parameter, []);
    of.get(parameter).push([text, knob]);
  }
  for (const [parameter, entries] of of) {
    if (!entries.some(([, knob]) => knob !== null && chosen.includes(knob))) continue;
    const kept = entries.filter(([, knob]) => knob === null || chosen.includes(knob)).map(([text]) => text);
    if (kept.length === 1 && kept[0].startsWith("= ")) found.push(`${parameter} ${kept[0]}`);
    else found.push(`${parameter} =`, ...kept.map((text, at) => `    ${text}${at < kept.length - 1 ? "," : ""}`));
  }
  return found.join("\n") || "(nothing is switched on)";
}

function show() {
  const chosen = boxes.map((box, at) => (box.checked ? at : -1)).filter((at) => at >= 0);
  const { sums, days, clients } = count(chosen);
  for (const name of Object.keys(sums)) put(name, number(sums[name]));
  fill("days", days.map((day, at) => [board.dates[at], number(day.stopped), number(day.hurt), number(day.undecided), number(day.no_evidence)]));
  fill("clients", clients.slice(0, SHOWN).map((one) => [one.address, number(one.all), one.first, one.name]));
  put("more", clients.length > SHOWN ? `and ${number(clients.length - SHOWN)} more clients` : "");
  put("lines", lines(chosen));
  draw(days);
}

for (const box of boxes) box.addEventListener("change", show);
show();
