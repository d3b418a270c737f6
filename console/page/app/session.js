// Who is signed in. The cookie is HttpOnly, so the server is asked.
import { signal } from "./lib.js";
import { get, onSignedOut, request } from "./api.js";

export const session = signal(null);

onSignedOut(() => (session.value = null));

export async function restoreSession() {
  try {
    session.value = await get("session");
  } catch (refused) {
    if (refused.status !== 401) throw refused;
    session.value = null;
  }
}

export async function signIn(name, password) {
  session.value = await request("POST", "session", { name, password });
}

export async function signOut() {
  await request("DELETE", "session");
  session.value = null;
}
