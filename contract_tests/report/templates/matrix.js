const dialog = document.querySelector("dialog"), cells = document.getElementById("cells");
const differ = document.getElementById("differ"), must = document.getElementById("must");
function line(text, kind) {
  const made = document.createElement("p");
  made.textContent = text;
  made.className = kind;
  cells.append(made);
}
function tell(row, buttons) {
  const check = row.firstElementChild;
  document.getElementById("what").textContent = check.querySelector("b").textContent;
  document.getElementById("rule").textContent = check.querySelector("span").textContent;
  cells.replaceChildren();
  for (const cell of buttons) {
    line(`${cell.dataset.server}: ${cell.title}`, cell.className);
    if (cell.dataset.expected) line(`Expected ${cell.dataset.expected}`, "");
    if (cell.dataset.seen) line(`Seen: ${cell.dataset.seen}`, "");
  }
  if (!dialog.open) dialog.showModal();
}
function filter() {
  for (const body of document.querySelectorAll("tbody")) {
    let shown = 0;
    for (const row of body.querySelectorAll("tr[data-level]")) {
      const verdicts = new Set([...row.querySelectorAll("button")].map(cell => cell.title));
      row.hidden = (differ.checked && verdicts.size < 2) || (must.checked && row.dataset.level !== "MUST");
      shown += !row.hidden;
    }
    body.hidden = !shown;
  }
}
function show() {
  const row = document.getElementById(location.hash.slice(1));
  if (!row || !row.matches("tr[data-level]")) return;
  if (row.hidden) { differ.checked = must.checked = false; filter(); }
  row.scrollIntoView({block: "center"});
  tell(row, row.querySelectorAll("button"));
}
document.querySelector("table").addEventListener("click", event => {
  const cell = event.target.closest("button");
  if (cell) tell(cell.closest("tr"), [cell]);
  // A link to what the address names already changes no address.
  if (event.target.closest("a")) setTimeout(show);
});
differ.addEventListener("change", filter); must.addEventListener("change", filter);
addEventListener("hashchange", show);
filter();
show();
