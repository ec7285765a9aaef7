// What both scripts for Node share: a line of JSON a step, and requests to the gateway.
import { readFileSync } from "node:fs";
import http from "node:http";

export const { BASE_URL, TOKEN, ACCOUNT, NAMESPACE, GATEWAY } = process.env;

export function step(name, saw) {
  console.log(JSON.stringify({ step: name, saw }));
}

/** The fields of an object that the steps tell of. */
export function pick(object, ...names) {
  return Object.fromEntries(names.map((name) => [name, object[name] ?? null]));
}

/** What the SDK throws. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    if (!error.errors?.length) throw error;
    const { code, message } = error.errors[0];
    return { class: error.constructor.name, status: error.status, code, message };
  }
  throw new Error("this should have been refused");
}

/** What the Worker answers to somebody outside. */
export function answer(script) {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://${GATEWAY}/`, { headers: { host: `${script}.test` } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve(response.statusCode === 200 ? JSON.parse(text) : response.statusCode));
    });
    request.on("error", reject);
  });
}

/** Requests that the API has answered so far. */
export async function answered() {
  const response = await fetch(new URL("/metrics", BASE_URL), { headers: { authorization: `Bearer ${TOKEN}` } });
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("switchyard_api_requests_total{"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const read = (name) => readFileSync(new URL(`worker/${name}`, import.meta.url));
const MODULE = "application/javascript+module";

export const file = (text, name, type = MODULE) => new File([text], name, { type });

export const files = () => [
  file(read("index.mjs"), "index.mjs"),
  file(read("lib/words.mjs"), "lib/words.mjs"),
  file(read("lib/loud.mjs"), "lib/loud.mjs"),
  file(read("note.txt"), "note.txt", "text/plain"),
  file(Buffer.from([0, 1, 255]), "data/raw.bin", "application/octet-stream"),
];

export const metadata = () => ({
  main_module: "index.mjs",
  compatibility_date: "2026-01-01",
  compatibility_flags: [],
  bindings: [
    { type: "plain_text", name: "PLAIN", text: "plain" },
    { type: "json", name: "JSON", json: { deep: [1, null] } },
    { type: "secret_text", name: "SECRET", text: "hidden" },
  ],
  tags: ["customer-1", "production"],
  limits: { cpu_ms: 500, subrequests: 20 },
  observability: { enabled: true },
});

/** A Worker that answers with this value. */
export const says = (value) => file(`export default { fetch() { return Response.json(${JSON.stringify(value)}) } }`, "index.mjs");

/** The modules of a script as its content comes: the name and type of each. */
export async function modules(response) {
  // The packages hand out the response of their own fetch, which cannot read forms.
  const type = response.headers.get("content-type");
  const form = await new Response(await response.arrayBuffer(), { headers: { "content-type": type } }).formData();
  return { entry: response.headers.get("cf-entrypoint"), modules: [...form.values()].map((part) => [part.name, part.type]) };
}
