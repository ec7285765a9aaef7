// A platform's life with npm `cloudflare` 7.3, with the same steps as lifecycle.mjs. Its uploads are broken (contract §3.3):
// it tells how they are refused, and uploads with a form of its own.
import Cloudflare from "cloudflare";
import { ACCOUNT, BASE_URL, NAMESPACE, TOKEN } from "./report.mjs";
import { answer, answered, file, files, metadata, modules, pick, refused, says, step } from "./report.mjs";

const client = new Cloudflare({ baseURL: BASE_URL, apiToken: TOKEN });
const namespaces = client.workersForPlatforms.dispatch.namespaces;
const scripts = namespaces.scripts;
const account_id = ACCOUNT;
const inside = { account_id, dispatch_namespace: NAMESPACE };
const ofOne = { ...inside, script_name: "one" };
const base = `/accounts/${ACCOUNT}/workers/dispatch/namespaces/${NAMESPACE}`;
const one = `${base}/scripts/one`;
const names = async (list) => (await Array.fromAsync(list)).map((one) => one.name).sort();

/** An upload as release 7 can make it: its request with a form, which it passes on as it is. */
function formOf({ metadata, files = [] }) {
  const form = new FormData();
  form.append("metadata", JSON.stringify(metadata));
  for (const file of files) form.append("files", file);
  return form;
}
const upload = async (name, what) => (await client.put(`${base}/scripts/${name}`, { body: formOf(what) })).result;

// Namespaces

step("namespace create", pick(await namespaces.create({ account_id, name: NAMESPACE }), "namespace_name", "script_count", "trusted_workers"));
const before = await answered();
const conflict = await refused(namespaces.create({ account_id, name: NAMESPACE }));
step("namespace create again", { ...conflict, sent: (await answered()) - before });
step("namespace create with a bad name", await refused(namespaces.create({ account_id, name: "a b" })));
step("namespace list", (await Array.fromAsync(namespaces.list({ account_id }))).map((one) => one.namespace_name));
step("namespace get", pick(await namespaces.get(NAMESPACE, { account_id }), "namespace_name", "script_count"));
step("namespace get of none", await refused(namespaces.get("none", { account_id })));
step("namespace trust", pick((await client.patch(base, { body: { trusted_workers: true } })).result, "namespace_name", "trusted_workers"));
step("namespace rename", pick((await client.put(base, { body: { name: "renamed" } })).result, "namespace_name", "trusted_workers"));
const renamed = `/accounts/${ACCOUNT}/workers/dispatch/namespaces/renamed`;
step("namespace rename back", pick((await client.put(renamed, { body: { name: NAMESPACE, trusted_workers: false } })).result, "namespace_name", "trusted_workers"));

// Uploads

step("script get of none", await refused(scripts.get("one", { account_id, dispatch_namespace: NAMESPACE })));
step("script get in no namespace", await refused(scripts.get("one", { account_id, dispatch_namespace: "none" })));
step("answer of none", await answer("one"));
const flattened = { ...metadata(), bindings: [{ type: "plain_text", name: "PLAIN", text: "plain" }] };
step("7: upload", await refused(scripts.update("one", { ...inside, metadata: flattened, files: files() })));
step("7: answer after upload", await answer("one"));
const uploaded = await upload("one", { metadata: metadata(), files: files() });
step("script upload", pick(uploaded, "id", "tags", "handlers", "has_modules", "entry_point", "compatibility_date", "usage_model", "observability"));
step("script upload tells its start", [typeof uploaded.startup_time_ms, typeof uploaded.etag, typeof uploaded.tag]);
step("answer", await answer("one"));
const second = { ...metadata(), bindings: [{ type: "plain_text", name: "PLAIN", text: "second" }], tags: undefined };
step("script update", pick(await upload("one", { metadata: second, files: files() }), "id", "tags"));
step("answer after update", await answer("one"));
const kept = { bindings: [{ type: "inherit", name: "PLAIN" }, { type: "plain_text", name: "MORE", text: "more" }], keep_bindings: ["secret_text"], main_module: "index.mjs" };
step("script update without code", pick(await scripts.update("one", { ...inside, metadata: { ...kept, compatibility_date: "2026-01-01" } }), "id", "tags"));
step("answer after inherit", await answer("one"));
const broken = file("export default {;", "index.mjs");
step("script that is no JavaScript", await refused(upload("one", { metadata: metadata(), files: [broken] })));
const missing = { ...metadata(), main_module: "other.mjs" };
step("script without its main module", await refused(upload("one", { metadata: missing, files: files() })));
const unknown = { ...metadata(), bindings: [{ type: "kv_namespace", name: "KV", namespace_id: "0" }] };
step("script with a binding that is not there", await refused(upload("one", { metadata: unknown, files: files() })));
step("answer after refusals", await answer("one"));
step("script get", pick((await scripts.get("one", { account_id, dispatch_namespace: NAMESPACE })).script, "id", "tags", "has_modules", "last_deployed_from"));

// Lists

for (const [name, tags] of [["two", ["customer-2", "production"]], ["three", ["customer-1"]]]) {
  await upload(name, { metadata: { main_module: "index.mjs", compatibility_date: "2026-01-01", tags }, files: [says(name)] });
}
const list = async (query) => {
  const { result, result_info } = await client.get(`${base}/scripts`, { query });
  return { scripts: result.map((one) => one.script.id), flat: result.map((one) => one.id), more: Boolean(result_info.cursor), info: result_info };
};
const listed = async (query) => pick(await list(query), "scripts", "flat", "more");
step("script list", await listed({}));
step("script list with a tag", await listed({ tags: "production:yes" }));
step("script list without a tag", await listed({ tags: "production:no" }));
step("script list by two tags", await listed({ tags: "customer-1:yes,production:no" }));
step("script list by no script's tag", await listed({ tags: "nobody:yes" }));
const first = await list({ limit: 2 });
step("script list, a page", pick(first, "scripts", "more"));
step("script list, next page", await listed({ limit: 2, cursor: first.info.cursor }));
step("script list with a bad filter", await refused(list({ tags: "production" })));
step("script list with a bad limit", await refused(list({ limit: 0 })));
step("script list with a bad cursor", await refused(list({ cursor: "?" })));
step("namespace counts", pick(await namespaces.get(NAMESPACE, { account_id }), "script_count"));

// Content, settings, bindings

step("content get", await modules(await scripts.content.get("one", { ...inside })));
const words = file('export const words = "replaced";', "lib/words.mjs");
const replaced = [...files().filter((one) => one.name !== words.name), words];
const content = { metadata: { main_module: "index.mjs" }, files: replaced };
step("7: content update", await refused(scripts.content.update("one", { ...inside, ...content })));
step("7: answer after content", await answer("one"));
step("content update", pick((await client.put(`${one}/content`, { body: formOf(content) })).result, "id", "tags"));
step("answer after content", await answer("one"));
step("settings get", await scripts.settings.get("one", { ...inside }));
const settings = { tags: ["customer-1", "edited"], limits: { cpu_ms: 400 }, bindings: [{ type: "plain_text", name: "EDITED", text: "yes" }, { type: "inherit", name: "SECRET" }] };
step("7: settings edit", await refused(scripts.settings.edit("one", { ...inside, settings })));
step("7: answer after settings", await answer("one"));
step("settings edit", (await client.patch(`${one}/settings`, { body: { settings } })).result);
step("answer after settings", await answer("one"));
step("settings edit with a wrong type", await refused(client.patch(`${one}/settings`, { body: { logpush: "yes" } })));
step("bindings get", await Array.fromAsync(scripts.bindings.get("one", { ...inside })));

// Secrets

step("secret list", await names(scripts.secrets.list("one", { ...inside })));
step("secret get", await scripts.secrets.get("SECRET", { ...ofOne }));
step("secret update", await scripts.secrets.update("one", { ...inside, name: "KEY", text: "value", type: "secret_text" }));
step("answer after secret", await answer("one"));
step("secret get, encoded twice", await scripts.secrets.get("%4BEY", { ...ofOne, url_encoded: true }));
step("secret delete", await scripts.secrets.delete("SECRET", { ...ofOne }));
step("secret get of none", await refused(scripts.secrets.get("SECRET", { ...ofOne })));
step("secret delete of none", await refused(scripts.secrets.delete("SECRET", { ...ofOne })));
const bulk = { A: { name: "A", text: "1", type: "secret_text" }, B: { name: "B", text: "2", type: "secret_text" }, KEY: null };
step("secrets bulk", await scripts.secrets.bulkUpdate("one", { ...inside, secrets: bulk, version_tags: {} }));
step("answer after bulk", await answer("one"));
step("secret named as a variable", await refused(scripts.secrets.update("one", { ...inside, name: "EDITED", text: "x", type: "secret_text" })));

// Tags

const tags = () => Array.fromAsync(scripts.tags.list("one", { ...inside }));
step("tag list", await tags());
step("tags update", await Array.fromAsync(scripts.tags.update("one", { ...inside, body: ["customer-1", "a:b"] })));
step("tag put", (await client.put(`${base}/scripts/one/tags/more`)).success);
step("tag put again", (await client.put(`${base}/scripts/one/tags/more`)).success);
step("tag list after", await tags());
step("tag delete", await scripts.tags.delete("a:b", { ...ofOne }));
step("tag delete of none", await refused(scripts.tags.delete("a:b", { ...ofOne })));
step("tags beyond eight", await refused(Array.fromAsync(scripts.tags.update("one", { ...inside, body: [..."123456789"] }))));
step("tag list at last", await tags());

// Versions and deployments, for which the package has no methods

const deploy = (...shares) => client.post(`${one}/deployments`, { body: { strategy: "percentage", versions: shares.map(([version_id, percentage]) => ({ version_id, percentage })) } });
const deployed = async () => (await client.get(`${one}/deployments`)).result.deployments[0].versions;
const [{ version_id: old }] = await deployed();
const next = { main_module: "index.mjs", compatibility_date: "2026-01-01", annotations: { "workers/message": "next" } };
const version = (await client.post(`${one}/versions`, { body: formOf({ metadata: next, files: [says("a version")] }) })).result;
step("version create", pick(version, "annotations"));
step("answer before its deployment", await answer("one"));
step("version list has it first", (await client.get(`${one}/versions`)).result.items[0].id === version.id);
step("version get", pick((await client.get(`${one}/versions/${version.id}`)).result, "annotations"));
step("deployment create", pick((await deploy([version.id, 100])).result, "strategy"));
step("answer of the version", await answer("one"));
await deploy([version.id, 30], [old, 70]);
step("deployment of two", (await deployed()).map((share) => [share.version_id === old, share.percentage]));
step("deployment of too little", await refused(deploy([version.id, 30])));
step("deployment of no version", await refused(deploy(["11111111-2222-4333-8444-555555555555", 100])));
await deploy([old, 100]);
step("answer after rollback", await answer("one"));

// Who may

step("wrong token", await refused(new Cloudflare({ baseURL: BASE_URL, apiToken: "wrong" }).workersForPlatforms.dispatch.namespaces.get(NAMESPACE, { account_id })));
step("wrong account", await refused(namespaces.get(NAMESPACE, { account_id: "f".repeat(32) })));
step("unknown path", pick(await refused(client.get(`${base}/nothing`)), "class", "status", "code"));
step("wrong method", await refused(client.post(`${base}/scripts`)));

// The end

step("script delete by no tags", await refused(client.delete(`${base}/scripts`)));
step("script delete by tags", pick((await client.delete(`${base}/scripts`, { query: { tags: "customer-2:yes" } })).result, "deleted_count", "has_more"));
step("answer of the deleted", await answer("two"));
step("script delete", await scripts.delete("one", { account_id, dispatch_namespace: NAMESPACE, force: true }));
step("script delete again", await refused(scripts.delete("one", { account_id, dispatch_namespace: NAMESPACE })));
step("answer after delete", [await answer("one"), await answer("three")]);
step("namespace delete", await namespaces.delete(NAMESPACE, { account_id }));
step("answer at last", await answer("three"));
