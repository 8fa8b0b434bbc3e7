// Asks the browser for a passkey: for a signature over what the page shows, or for a new one.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (data) =>
  btoa(String.fromCharCode(...new Uint8Array(data)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function get(form) {
  const { rp, challenge, credential } = form.dataset;
  const made = await navigator.credentials.get({ publicKey: {
    rpId: rp,
    challenge: bytes(challenge),
    allowCredentials: [{ type: "public-key", id: bytes(credential) }],
    userVerification: "required",
  } });
  form.elements.authenticator.value = text(made.response.authenticatorData);
  form.elements.client.value = text(made.response.clientDataJSON);
  form.elements.signature.value = text(made.response.signature);
}

async function create(form) {
  const { rp, challenge, user, name, kinds } = form.dataset;
  const made = await navigator.credentials.create({ publicKey: {
    rp: { id: rp, name: "Holdfast" },
    user: { id: bytes(user), name, displayName: name },
    challenge: bytes(challenge),
    pubKeyCredParams: kinds.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
    authenticatorSelection: { residentKey: "discouraged", userVerification: "required" },
    attestation: "none",
  } });
  form.elements.client.value = text(made.response.clientDataJSON);
  form.elements.attestation.value = text(made.response.attestationObject);
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const problem = form.querySelector("[data-problem]");
    problem.hidden = true;
    try {
      await (form.dataset.passkey === "get" ? get(form) : create(form));
    } catch (error) {
      problem.textContent = `${error.name}: ${error.message}`;
      problem.hidden = false;
      return;
    }
    form.submit();
  });
}
