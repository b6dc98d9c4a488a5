"use strict";
// What advisor/board.py counts, for whatever set is chosen; a test compares the two.
const board = JSON.parse(document.getElementById("board-data").textContent);
const boxes = [...document.querySelectorAll("#board input[type=checkbox]")];
const rows = boxes.map((box) => [...box.closest("tr").cells].slice(1));
const CLASS = { w: "hurt", u: "stopped", ".": "undecided" };
const ORDER = ["hurt", "undecided", "stopped"];
const SHOWN = 25;
const WORDS = { stopped: "unwanted", hurt: "wanted", undecided: "undecided" };
// A shell word between quotes, or nothing: what a list's name might hold must not end the quotes.
const PLAIN = /^[\w .,:;=[\]-]+$/;
const SVG = "http://www.w3.org/2000/svg";
// Attempts of each combination, whatever the day.
const totals = board.combinations.map(() => 0);
for (const [number, , attempts] of board.days) totals[number] += attempts;
const everything = totals.reduce((sum, one) => sum + one, 0);

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

// Stopped, hurt and not known of a set, without days and clients.
function quick(chosen) {
  const sums = { stopped: 0, hurt: 0, undecided: 0, passed: 0, no_evidence: 0 };
  board.combinations.forEach((each, number) => {
    const { turned, way } = fate(each, chosen);
    sums[turned === "t" ? CLASS[way] : turned === "p" ? "passed" : "no_evidence"] += totals[number];
  });
  return sums;
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
  const heads = body.parentElement.tHead.rows[0].cells;
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    cells.forEach((text, at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (at) cell.className = id === "days" || at === 1 ? "n" : "s";
      if (!at) cell.scope = "row";
      cell.dataset.head = heads[at].textContent;
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  }));
}

function rect(place) {
  const bar = document.createElementNS(SVG, "rect");
  for (const [key, value] of Object.entries(place)) bar.setAttribute(key, value);
  return bar;
}

function draw(days) {
  const picture = document.getElementById("board-chart");
  const top = Math.max(1, ...days.map((day) => day.stopped + day.hurt + day.undecided));
  const wide = 560 / Math.max(1, days.length), high = 120;
  const bars = days.flatMap((day, at) => {
    let base = high;
    return ["stopped", "undecided", "hurt"].map((name) => {
      const tall = (day[name] / top) * high;
      base -= tall;
      return rect({ x: at * wide + 1, y: base, width: Math.max(1, wide - 2), height: tall, class: name });
    });
  });
  picture.replaceChildren(...bars);
  put("first", board.dates[0] || "");
  put("last", board.dates[board.dates.length - 1] || "");
  put("highest", `highest day: ${number(top)}`);
}

function bar(sums, all) {
  let from = 0;
  const parts = ["stopped", "hurt", "undecided", "passed", "no_evidence"].map((name) => {
    const width = all ? (sums[name] / all) * 1000 : 0;
    from += width;
    return rect({ x: from - width, y: 0, width, height: 24, class: name });
  });
  document.getElementById("board-parts").replaceChildren(...parts);
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

function command(chosen) {
  const names = chosen.map((at) => board.knobs[at][0]);
  if (!names.length) return "(nothing is switched on)";
  if (!names.every((name) => PLAIN.test(name))) return "(a name in it is none that can be typed)";
  return `advisor simulate '${names.join(", ")}'`;
}

function sentence(sums, all) {
  const some = sums.no_evidence ? "at least " : "";
  const parts = ORDER.slice().reverse().map((name) => {
    const clients = sums[`${name}_clients`];
    return `${number(sums[name])} ${WORDS[name]} (${number(clients)} client${clients === 1 ? "" : "s"})`;
  });
  const open = sums.no_evidence ? ` Of ${number(sums.no_evidence)} nobody knows.` : "";
  return `Of ${number(all)} accepted attempts this set turns away ${some}${parts.join(", ")}; it lets ${number(sums.passed)} pass.${open}`;
}

// How many attempts of a kind a restriction could judge.
function judged(at, way) {
  return board.combinations.reduce((sum, [letters, ways], one) => sum + (letters[at] !== "?" && ways[at] === way ? totals[one] : 0), 0);
}

// Where it could judge none of them, a zero would say what nobody knows; where it could not judge many, it is a bound.
function least(value, unknown, of) {
  if (!value && !of) return "no evidence";
  return unknown > everything / 10 ? `≥ ${number(value)}` : number(value);
}

// What each restriction does alone, and what only it does beside the others that are on.
function compare(chosen) {
  rows.forEach(([stops, only, hurts, spared, unknown], at) => {
    const alone = quick([at]);
    const others = chosen.filter((one) => one !== at);
    const without = quick(others), along = quick([...others, at].sort((a, b) => a - b));
    stops.textContent = least(alone.stopped, alone.no_evidence, judged(at, "u"));
    hurts.textContent = least(alone.hurt, alone.no_evidence, judged(at, "w"));
    unknown.textContent = number(alone.no_evidence);
    only.textContent = least(along.stopped - without.stopped, 0, judged(at, "u"));
    spared.textContent = least(along.hurt - without.hurt, 0, judged(at, "w"));
    for (const cell of [stops, only, hurts, spared]) cell.classList.toggle("unknown", cell.textContent === "no evidence");
  });
}

function picked() {
  return boxes.map((box, at) => (box.checked ? at : -1)).filter((at) => at >= 0);
}

function show() {
  const chosen = picked();
  const { sums, days, clients } = count(chosen);
  for (const name of Object.keys(sums)) put(name, number(sums[name]));
  put("said", sentence(sums, everything));
  bar(sums, everything);
  compare(chosen);
  fill("days", days.map((day, at) => [board.dates[at], number(day.stopped), number(day.hurt), number(day.undecided), number(day.no_evidence)]));
  fill("clients", clients.slice(0, SHOWN).map((one) => [one.address, number(one.all), WORDS[one.first], one.name === "unknown" ? "none" : one.name]));
  put("more", clients.length > SHOWN ? `and ${number(clients.length - SHOWN)} more of the clients named in this page` : "");
  put("lines", lines(chosen));
  put("command", command(chosen));
  draw(days);
}

function set(wanted) {
  boxes.forEach((box, at) => { box.checked = wanted(board.knobs[at], at); });
  keep();
  show();
}

// A link to a set: #on=0,3. A viewer that forbids it keeps the page as it is.
function keep() {
  try {
    history.replaceState(null, "", `#on=${picked().join(",")}`);
  } catch { /* the set is on the page all the same */ }
}

function linked() {
  const found = /^#on=([\d,]*)$/.exec(location.hash);
  if (found) {
    const numbers = found[1].split(",").filter(Boolean).map(Number);
    boxes.forEach((box, at) => { box.checked = numbers.includes(at); });
  }
  return found;
}

for (const [words, wanted] of [["As now", ([, on]) => on], ["As advised", ([, , chosen]) => chosen], ["All", () => true], ["None", () => false]]) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", () => set(wanted));
  document.getElementById("board-sets").append(made);
}
for (const box of boxes) box.addEventListener("change", () => { keep(); show(); });
addEventListener("hashchange", () => { if (linked()) show(); });
if (linked()) document.getElementById("board").scrollIntoView();
show();
