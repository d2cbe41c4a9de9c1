const search = document.getElementById("search"), group = document.getElementById("group");
const boxes = [...document.querySelectorAll(".verdicts input")];
const rows = [...document.querySelectorAll("details.check")].map(row => [row, row.textContent.toLowerCase()]);
let named = null;  // the row that the address names; no filter hides it
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = boxes.filter(box => box.checked).map(box => box.value);
  for (const [row, text] of rows) row.hidden = row !== named && (
    (wanted.length && !wanted.includes(row.dataset.verdict)) || (group.value && row.dataset.group !== group.value)
    || !words.every(word => text.includes(word)));
  let shown = 0;
  for (const section of document.querySelectorAll("section.checks")) {
    const some = section.querySelectorAll("details.check:not([hidden])").length;
    section.hidden = !some;
    shown += some;
  }
  document.getElementById("nothing").hidden = shown > 0;
}
function show() {
  const row = document.getElementById(location.hash.slice(1));
  if (!row || !row.matches("details.check")) return;
  named = row;
  filter();
  row.open = true;
  // The form above the rows stays on the screen, and is as high as the screen is narrow.
  row.style.scrollMarginTop = `${document.querySelector("form").offsetHeight + 8}px`;
  row.scrollIntoView();
}
document.querySelector("form").addEventListener("input", () => { named = null; filter(); });
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
// A link to what the address names already changes no address.
document.addEventListener("click", event => { if (event.target.closest('a[href^="#"]')) setTimeout(show); });
addEventListener("hashchange", show);
filter();
show();
