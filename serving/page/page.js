"use strict";

const AT_ONCE = 64;
const form = document.getElementById("form");
const status = document.getElementById("status");
const keyless = document.getElementById("keyless");
const table = document.getElementById("answers");

keyless.hidden = Boolean(sessionStorage.getItem("key"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.key.value.trim()) sessionStorage.setItem("key", form.key.value.trim());
  const texts = form.statements.value.split("\n").filter((line) => line.trim());
  const body = table.tBodies[0];
  body.replaceChildren();
  table.hidden = true;
  try {
    for (let start = 0; start < texts.length; start += AT_ONCE) {
      status.textContent = `${start} of ${texts.length} read`;
      const some = texts.slice(start, start + AT_ONCE);
      const { answers, model } = await classify(some);
      answers.forEach((answer, i) => body.append(row(some[i], answer, model)));
      table.hidden = false;
    }
    status.textContent = `${texts.length} of ${texts.length} read`;
  } catch (error) {
    status.textContent = error.message;
  }
});

async function classify(texts) {
  const response = await post("/v1/classify", { statements: texts.map((text) => ({ text })) });
  const content = await response.json();
  keyless.hidden = response.status !== 401;
  if (response.status === 429) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After"))));
    return classify(texts);
  }
  if (!response.ok) throw new Error(content.detail);
  return content;
}

function post(path, content) {
  const headers = { "Content-Type": "application/json", ...authorization() };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(content) });
}

function row(text, answer, model) {
  const tr = document.createElement("tr");
  if (answer.error) {
    tr.append(cell("not read", "error"), cell(text), cell(answer.error.detail, "error"), cell(""), cell(""), cell(""));
    return tr;
  }
  const stance = answer.stance === "none" ? "none expressed" : answer.stance;
  const percent = `${Math.round(100 * answer.probabilities[answer.stance])} %`;
  const said = statement(text, answer.condition);
  tr.append(
    cell(stance, "stance", answer.stance),
    said,
    cell(percent),
    cell(answer.leaning),
    cell(answer.abstained ? `no: ${answer.abstained.replace("_", " ")}` : "yes"),
    correction(text, said, { stance: answer.stance, manifest_sum: model.manifest_sum }),
  );
  return tr;
}

function correction(text, said, given) {
  const td = cell("");
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "the right stance");
  for (const stance of ["conciliatory", "conditional", "hostile", "none"]) {
    choice.append(new Option(stance === "none" ? "none expressed" : stance, stance));
  }
  choice.value = given.stance;
  const note = document.createElement("button");
  note.type = "button";
  note.textContent = "note it";
  // A press on the list or the button may take the selection away.
  let selected;
  for (const event of ["pointerdown", "keydown"]) {
    td.addEventListener(event, () => { selected = selection(text, said) || selected; });
  }
  note.addEventListener("click", async () => {
    const content = { statement: text, given, stance: choice.value, ...(selected && { condition: selected }) };
    try {
      const response = await post("/v1/feedback", content);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      noted(td, [choice, note], answer.id, selected ? `${choice.value}, with its condition` : choice.value);
    } catch (error) {
      status.textContent = `not noted: ${error.message}`;
    }
  });
  td.append(choice, " ", note);
  return td;
}

function noted(td, controls, id, words) {
  const undo = document.createElement("button");
  undo.type = "button";
  undo.textContent = "undo";
  undo.addEventListener("click", async () => {
    const response = await fetch(`/v1/feedback/${id}`, { method: "DELETE", headers: authorization() });
    if (response.ok) td.replaceChildren(...controls);
    else status.textContent = `not undone: ${(await response.json()).detail}`;
  });
  td.replaceChildren(`noted: ${words} `, undo);
}

// The stretch of the statement that is selected on the page, in code points; undefined where none is.
function selection(text, said) {
  const chosen = document.getSelection();
  if (!chosen.rangeCount || chosen.isCollapsed) return undefined;
  const range = chosen.getRangeAt(0);
  if (!said.contains(range.startContainer) || !said.contains(range.endContainer)) return undefined;
  const before = document.createRange();
  before.setStart(said, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = Array.from(before.toString()).length;
  const end = start + Array.from(range.toString()).length;
  return end <= Array.from(text).length ? { start, end } : undefined;
}

function cell(text, ...classes) {
  const td = document.createElement("td");
  td.textContent = text;
  td.classList.add(...classes);
  return td;
}

function statement(text, condition) {
  if (!condition) return cell(text);
  // Offsets count code points; a JavaScript string counts UTF-16 units.
  const points = Array.from(text);
  const td = cell(points.slice(0, condition.start).join(""));
  const mark = document.createElement("mark");
  mark.textContent = condition.text;
  td.append(mark, points.slice(condition.end).join(""));
  return td;
}
