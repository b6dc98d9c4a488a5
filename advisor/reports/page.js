"use strict";
// Sorts tables, and copies what is to be typed. All of the page is there without it: its buttons come with it.
(() => {
  const said = document.getElementById("said");

  function button(words, label) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    if (label) made.setAttribute("aria-label", label);
    return made;
  }

  // Where there is no clipboard (an old browser, a viewer that forbids it) the text is marked, to be copied by hand.
  async function copy(block) {
    // Without the last line's end: whoever pastes it into a shell presses Enter himself.
    const text = block.textContent.replace(/\n+$/, "");
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(block);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try {
        return document.execCommand("copy");
      } catch {
        return false;
      }
    }
  }

  for (const frame of document.querySelectorAll(".typed")) {
    const block = frame.querySelector("pre");
    const made = button("Copy", `Copy: ${frame.dataset.what}`);
    made.className = "copy";
    made.addEventListener("click", async () => {
      const done = await copy(block);
      made.textContent = done ? "Copied" : "Marked";
      said.textContent = done ? "Copied." : "Marked: copy it by hand.";
      setTimeout(() => { made.textContent = "Copy"; }, 2000);
    });
    frame.prepend(made);
  }

  // What scrolls must be reached without a mouse.
  for (const block of document.querySelectorAll("pre, .scroll")) {
    if (block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight) block.tabIndex = 0;
  }

  // What is not known has no rank: it stays at the end, whichever way round.
  function value(row, column) {
    const cell = row.cells[column];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    if (text === "" || text === "no evidence") return null;
    const number = /^-?[\d,]+(\.\d+)?/.exec(text);
    return number && cell.classList.contains("n") ? Number(number[0].replaceAll(",", "")) : text;
  }

  function compare(one, other, sign) {
    if (one === null || other === null) return (one === null) - (other === null);
    if (typeof one === "number" && typeof other === "number") return sign * (one - other);
    return sign * String(one).localeCompare(String(other), "en", { numeric: true });
  }

  function sort(table, column) {
    const head = table.tHead.rows[0].cells[column];
    const numeric = head.classList.contains("n");
    const now = head.getAttribute("aria-sort");
    const up = now ? now === "descending" : !numeric;
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    rows.sort(([one], [other]) => compare(one, other, up ? 1 : -1));
    table.tBodies[0].append(...rows.map(([, row]) => row));
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    said.textContent = `Sorted by ${head.textContent.trim()}, ${up ? "ascending" : "descending"}.`;
  }

  for (const table of document.querySelectorAll("table.sort")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const made = button(head.textContent.trim());
      made.addEventListener("click", () => sort(table, column));
      head.replaceChildren(made);
    });
  }
})();
