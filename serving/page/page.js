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
      const answers = await classify(some);
      answers.forEach((answer, i) => body.append(row(some[i], answer)));
      table.hidden = false;
    }
    status.textContent = `${texts.length} of ${texts.length} read`;
  } catch (error) {
    status.textContent = error.message;
  }
});

async function classify(texts) {
  const response = await fetch("/v1/classify", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...authorization() },
    body: JSON.stringify({ statements: texts.map((text) => ({ text })) }),
  });
  const content = await response.json();
  keyless.hidden = response.status !== 401;
  if (response.status === 429) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After"))));
    return classify(texts);
  }
  if (!response.ok) throw new Error(content.detail);
  return content.answers;
}

function row(text, answer) {
  const tr = document.createElement("tr");
  if (answer.error) {
    tr.append(cell("not read", "error"), cell(text), cell(answer.error.detail, "error"), cell(""), cell(""));
    return tr;
  }
  const stance = answer.stance === "none" ? "none expressed" : answer.stance;
  const percent = `${Math.round(100 * answer.probabilities[answer.stance])} %`;
  tr.append(
    cell(stance, "stance", answer.stance),
    statement(text, answer.condition),
    cell(percent),
    cell(answer.leaning),
    cell(answer.abstained ? `no: ${answer.abstained.replace("_", " ")}` : "yes"),
  );
  return tr;
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
