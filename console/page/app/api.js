// The public API. A refusal comes back as `Refused` with its sentence in both languages; nothing is swallowed.
import { t } from "./i18n.js";

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.title_en || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || String(status);
    this.zh = problem.title_zh || problem.title;
    this.en = problem.title_en || problem.title;
  }
}

let signedOut = () => {};

// What to do when the server no longer knows us; set once by the session.
export function onSignedOut(callback) {
  signedOut = callback;
}

export async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Coldwatch"] = "1"; // a foreign site cannot set this header
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, { code: "unreachable", title_zh: t("error.unreachable"), title_en: t("error.unreachable") });
  }
  if (answer.status === 204) return null;
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  if (answer.status === 401 && path !== "session") signedOut();
  throw new Refused(answer.status, content);
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body ?? {});
