// A platform's life with npm `cloudflare` 6.5, as its users write it.
import Cloudflare from "cloudflare";
import { ACCOUNT, BASE_URL, NAMESPACE, TOKEN } from "./report.mjs";
import { answer, answered, file, files, metadata, modules, pick, refused, says, step } from "./report.mjs";

const client = new Cloudflare({ baseURL: BASE_URL, apiToken: TOKEN });
const namespaces = client.workersForPlatforms.dispatch.namespaces;
const scripts = namespaces.scripts;
const account_id = ACCOUNT;
const base = `/accounts/${ACCOUNT}/workers/dispatch/namespaces/${NAMESPACE}`;
const names = async (list) => (await Array.fromAsync(list)).map((one) => one.name).sort();

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

step("script get of none", await refused(scripts.get(NAMESPACE, "one", { account_id })));
step("script get in no namespace", await refused(scripts.get("none", "one", { account_id })));
step("answer of none", await answer("one"));
const uploaded = await scripts.update(NAMESPACE, "one", { account_id, metadata: metadata(), files: files() });
step("script upload", pick(uploaded, "id", "tags", "handlers", "has_modules", "entry_point", "compatibility_date", "usage_model", "observability"));
step("script upload tells its start", [typeof uploaded.startup_time_ms, typeof uploaded.etag, typeof uploaded.tag]);
step("answer", await answer("one"));
const second = { ...metadata(), bindings: [{ type: "plain_text", name: "PLAIN", text: "second" }], tags: undefined };
step("script update", pick(await scripts.update(NAMESPACE, "one", { account_id, metadata: second, files: files() }), "id", "tags"));
step("answer after update", await answer("one"));
const kept = { bindings: [{ type: "inherit", name: "PLAIN" }, { type: "plain_text", name: "MORE", text: "more" }], keep_bindings: ["secret_text"], main_module: "index.mjs" };
step("script update without code", pick(await scripts.update(NAMESPACE, "one", { account_id, metadata: { ...kept, compatibility_date: "2026-01-01" } }), "id", "tags"));
step("answer after inherit", await answer("one"));
const broken = file("export default {;", "index.mjs");
step("script that is no JavaScript", await refused(scripts.update(NAMESPACE, "one", { account_id, metadata: metadata(), files: [broken] })));
const missing = { ...metadata(), main_module: "other.mjs" };
step("script without its main module", await refused(scripts.update(NAMESPACE, "one", { account_id, metadata: missing, files: files() })));
const unknown = { ...metadata(), bindings: [{ type: "kv_namespace", name: "KV", namespace_id: "0" }] };
step("script with a binding that is not there", await refused(scripts.update(NAMESPACE, "one", { account_id, metadata: unknown, files: files() })));
step("answer after refusals", await answer("one"));
step("script get", pick((await scripts.get(NAMESPACE, "one", { account_id })).script, "id", "tags", "has_modules", "last_deployed_from"));

// Lists

for (const [name, tags] of [["two", ["customer-2", "production"]], ["three", ["customer-1"]]]) {
  await scripts.update(NAMESPACE, name, { account_id, metadata: { main_module: "index.mjs", compatibility_date: "2026-01-01", tags }, files: [says(name)] });
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

step("content get", await modules(await scripts.content.get(NAMESPACE, "one", { account_id })));
const words = file('export const words = "replaced";', "lib/words.mjs");
const replaced = [...files().filter((one) => one.name !== words.name), words];
step("content update", pick(await scripts.content.update(NAMESPACE, "one", { account_id, metadata: { main_module: "index.mjs" }, files: replaced }), "id", "tags"));
step("answer after content", await answer("one"));
step("settings get", await scripts.settings.get(NAMESPACE, "one", { account_id }));
const settings = { tags: ["customer-1", "edited"], limits: { cpu_ms: 400 }, bindings: [{ type: "plain_text", name: "EDITED", text: "yes" }, { type: "inherit", name: "SECRET" }] };
step("settings edit", await scripts.settings.edit(NAMESPACE, "one", { account_id, settings }));
step("answer after settings", await answer("one"));
step("settings edit with a wrong type", await refused(scripts.settings.edit(NAMESPACE, "one", { account_id, settings: { logpush: "yes" } })));
step("bindings get", await Array.fromAsync(scripts.bindings.get(NAMESPACE, "one", { account_id })));

// Secrets

step("secret list", await names(scripts.secrets.list(NAMESPACE, "one", { account_id })));
step("secret get", await scripts.secrets.get(NAMESPACE, "one", "SECRET", { account_id }));
step("secret update", await scripts.secrets.update(NAMESPACE, "one", { account_id, name: "KEY", text: "value", type: "secret_text" }));
step("answer after secret", await answer("one"));
step("secret get, encoded twice", await scripts.secrets.get(NAMESPACE, "one", "%254BEY", { account_id, url_encoded: true }));
step("secret delete", await scripts.secrets.delete(NAMESPACE, "one", "SECRET", { account_id }));
step("secret get of none", await refused(scripts.secrets.get(NAMESPACE, "one", "SECRET", { account_id })));
step("secret delete of none", await refused(scripts.secrets.delete(NAMESPACE, "one", "SECRET", { account_id })));
const bulk = { A: { name: "A", text: "1", type: "secret_text" }, B: { name: "B", text: "2", type: "secret_text" }, KEY: null };
step("secrets bulk", await scripts.secrets.bulkUpdate(NAMESPACE, "one", { account_id, secrets: bulk, version_tags: {} }));
step("answer after bulk", await answer("one"));
step("secret named as a variable", await refused(scripts.secrets.update(NAMESPACE, "one", { account_id, name: "EDITED", text: "x", type: "secret_text" })));

// Tags

const tags = () => Array.fromAsync(scripts.tags.list(NAMESPACE, "one", { account_id }));
step("tag list", await tags());
step("tags update", await Array.fromAsync(scripts.tags.update(NAMESPACE, "one", { account_id, body: ["customer-1", "a:b"] })));
step("tag put", (await client.put(`${base}/scripts/one/tags/more`)).success);
step("tag put again", (await client.put(`${base}/scripts/one/tags/more`)).success);
step("tag list after", await tags());
step("tag delete", await scripts.tags.delete(NAMESPACE, "one", "a:b", { account_id }));
step("tag delete of none", await refused(scripts.tags.delete(NAMESPACE, "one", "a:b", { account_id })));
step("tags beyond eight", await refused(Array.fromAsync(scripts.tags.update(NAMESPACE, "one", { account_id, body: [..."123456789"] }))));
step("tag list at last", await tags());

// Versions and deployments, for which the package has no methods

const one = `${base}/scripts/one`;
const deploy = (...shares) => client.post(`${one}/deployments`, { body: { strategy: "percentage", versions: shares.map(([version_id, percentage]) => ({ version_id, percentage })) } });
const deployed = async () => (await client.get(`${one}/deployments`)).result.deployments[0].versions;
const [{ version_id: old }] = await deployed();
const form = new FormData();
form.append("metadata", JSON.stringify({ main_module: "index.mjs", compatibility_date: "2026-01-01", annotations: { "workers/message": "next" } }));
form.append("index.mjs", says("a version"));
const created = await fetch(`${BASE_URL}${one}/versions`, { method: "POST", body: form, headers: { authorization: `Bearer ${TOKEN}` } });
const version = (await created.json()).result;
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
step("script delete", await scripts.delete(NAMESPACE, "one", { account_id, force: true }));
step("script delete again", await refused(scripts.delete(NAMESPACE, "one", { account_id })));
step("answer after delete", [await answer("one"), await answer("three")]);
step("namespace delete", await namespaces.delete(NAMESPACE, { account_id }));
step("answer at last", await answer("three"));
