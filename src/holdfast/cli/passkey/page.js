// Asks the command for what is to be signed, shows it as text, and hands back what the
// authenticator gave. Nothing is decided here: the command verifies every byte.
"use strict";

const session = document.querySelector("meta[name=session]").content;
const part = (id) => document.getElementById(id);

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ session, ...body }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function add(parent, name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  parent.append(made);
  return made;
}

function show(task) {
  part("title").textContent = task.title;
  part("status").textContent = task.text;
  part("acts").replaceChildren();
  for (const act of task.acts) {
    add(part("acts"), "h2", act.title);
    const list = add(part("acts"), "dl", "");
    for (const [name, value] of act.fields) {
      add(list, "dt", name);
      add(list, "dd", value);
    }
  }
  part("go").textContent = task.button;
}

function choice() {
  return new Promise((resolve) => {
    for (const id of ["go", "no"]) {
      part(id).hidden = false;
      part(id).onclick = () => {
        part("go").hidden = part("no").hidden = true;
        resolve(id === "go");
      };
    }
    part("go").focus();
  });
}

async function make(task) {
  const options = task.options;
  options.challenge = bytes(options.challenge);
  if (task.kind === "create") {
    options.user.id = bytes(options.user.id);
    const made = await navigator.credentials.create({ publicKey: options });
    return {
      client: text(made.response.clientDataJSON),
      attestation: text(made.response.attestationObject),
    };
  }
  for (const one of options.allowCredentials) one.id = bytes(one.id);
  const made = await navigator.credentials.get({ publicKey: options });
  return {
    client: text(made.response.clientDataJSON),
    authenticator: text(made.response.authenticatorData),
    signature: text(made.response.signature),
  };
}

async function run() {
  let number = 0;
  for (;;) {
    const task = await post("/next", { number });
    if (task.number === undefined) continue;
    number = task.number;
    show(task);
    for (;;) {
      if (!(await choice())) {
        await post("/answer", { number, refused: true });
        break;
      }
      try {
        await post("/answer", { number, ...(await make(structuredClone(task))) });
        break;
      } catch (error) {
        part("status").textContent = `The browser says: ${error.message}. Try again, or refuse.`;
      }
    }
    part("status").textContent = "Given to the command. Its answer is in the terminal.";
    part("acts").replaceChildren();
  }
}

run().catch(() => {
  part("status").textContent = "The command has ended. You can close this page.";
  part("go").hidden = part("no").hidden = true;
});
