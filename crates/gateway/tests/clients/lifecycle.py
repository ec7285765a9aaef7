"""A platform's life with PyPI `cloudflare` 5.9, as its users write it; the same steps as lifecycle.mjs."""

import http.client
import io
import json
import os
import urllib.request
from email.parser import BytesParser
from pathlib import Path

import cloudflare
from cloudflare import Cloudflare

BASE_URL, TOKEN, ACCOUNT, NAMESPACE, GATEWAY = (
    os.environ[name] for name in ("BASE_URL", "TOKEN", "ACCOUNT", "NAMESPACE", "GATEWAY")
)
MODULE = "application/javascript+module"
FOLDER = Path(__file__).parent / "worker"


def step(name, saw):
    print(json.dumps({"step": name, "saw": saw}), flush=True)


def pick(thing, *names):
    fields = thing if isinstance(thing, dict) else thing.to_dict(mode="json")
    return {name: fields.get(name) for name in names}


def refused(call):
    try:
        call()
    except cloudflare.APIStatusError as error:
        fault = error.response.json()["errors"][0]
        # One without a class of its own is an APIError in the packages for Node.
        name = type(error).__name__.replace("APIStatusError", "APIError")
        return {"class": name, "status": error.status_code, **pick(fault, "code", "message")}
    raise AssertionError("this should have been refused")


def answer(script):
    connection = http.client.HTTPConnection(GATEWAY)
    connection.request("GET", "/", headers={"Host": f"{script}.test"})
    response = connection.getresponse()
    body = response.read()
    return json.loads(body) if response.status == 200 else response.status


def request(method, url, body=None, headers=()):
    headers = {"Authorization": f"Bearer {TOKEN}", **dict(headers)}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as response:
        return response.read().decode()


def answered():
    lines = request("GET", BASE_URL.replace("/client/v4", "/metrics")).splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("switchyard_api_requests_total{"))


def read(name):
    return (FOLDER / name).read_bytes()


def files():
    return [
        ("index.mjs", read("index.mjs"), MODULE),
        ("lib/words.mjs", read("lib/words.mjs"), MODULE),
        ("lib/loud.mjs", read("lib/loud.mjs"), MODULE),
        ("note.txt", read("note.txt"), "text/plain"),
        ("data/raw.bin", bytes([0, 1, 255]), "application/octet-stream"),
    ]


def metadata(**change):
    return {
        "main_module": "index.mjs",
        "compatibility_date": "2026-01-01",
        "compatibility_flags": [],
        "bindings": [
            {"type": "plain_text", "name": "PLAIN", "text": "plain"},
            {"type": "json", "name": "JSON", "json": {"deep": [1, None]}},
            {"type": "secret_text", "name": "SECRET", "text": "hidden"},
        ],
        "tags": ["customer-1", "production"],
        "limits": {"cpu_ms": 500, "subrequests": 20},
        "observability": {"enabled": True},
    } | change


def says(value):
    source = f"export default {{ fetch() {{ return Response.json({json.dumps(value)}) }} }}"
    return ("index.mjs", source.encode(), MODULE)


def modules(response):
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parse(io.BytesIO(head + response.read())).get_payload()
    return {
        "entry": response.headers["cf-entrypoint"],
        "modules": [[part.get_filename(), part.get_content_type()] for part in parts],
    }


client = Cloudflare(base_url=BASE_URL, api_token=TOKEN)
namespaces = client.workers_for_platforms.dispatch.namespaces
scripts = namespaces.scripts
BASE = f"/accounts/{ACCOUNT}/workers/dispatch/namespaces/{NAMESPACE}"
account = {"account_id": ACCOUNT}
inside = {"account_id": ACCOUNT, "dispatch_namespace": NAMESPACE}
of_one = {**inside, "script_name": "one"}


def raw(method, path, query=None, body=None):
    return getattr(client, method)(path, cast_to=object, options={"params": query or {}}, **({"body": body} if body else {}))


# Namespaces

step("namespace create", pick(namespaces.create(**account, name=NAMESPACE), "namespace_name", "script_count", "trusted_workers"))
before = answered()
conflict = refused(lambda: namespaces.create(**account, name=NAMESPACE))
step("namespace create again", {**conflict, "sent": answered() - before})
step("namespace create with a bad name", refused(lambda: namespaces.create(**account, name="a b")))
step("namespace list", [one.namespace_name for one in namespaces.list(**account)])
step("namespace get", pick(namespaces.get(NAMESPACE, **account), "namespace_name", "script_count"))
step("namespace get of none", refused(lambda: namespaces.get("none", **account)))
step("namespace trust", pick(raw("patch", BASE, body={"trusted_workers": True})["result"], "namespace_name", "trusted_workers"))
step("namespace rename", pick(raw("put", BASE, body={"name": "renamed"})["result"], "namespace_name", "trusted_workers"))
renamed = f"/accounts/{ACCOUNT}/workers/dispatch/namespaces/renamed"
back = {"name": NAMESPACE, "trusted_workers": False}
step("namespace rename back", pick(raw("put", renamed, body=back)["result"], "namespace_name", "trusted_workers"))

# Uploads

step("script get of none", refused(lambda: scripts.get("one", **inside)))
step("script get in no namespace", refused(lambda: scripts.get("one", **account, dispatch_namespace="none")))
step("answer of none", answer("one"))
uploaded = scripts.update("one", **inside, metadata=metadata(), files=files())
step("script upload", pick(uploaded, "id", "tags", "handlers", "has_modules", "entry_point", "compatibility_date", "usage_model", "observability"))
kinds = {int: "number", str: "string"}
step("script upload tells its start", [kinds[type(one)] for one in (uploaded.startup_time_ms, uploaded.etag, uploaded.tag)])
step("answer", answer("one"))
second = metadata(bindings=[{"type": "plain_text", "name": "PLAIN", "text": "second"}])
del second["tags"]
step("script update", pick(scripts.update("one", **inside, metadata=second, files=files()), "id", "tags"))
step("answer after update", answer("one"))
kept = {
    "bindings": [{"type": "inherit", "name": "PLAIN"}, {"type": "plain_text", "name": "MORE", "text": "more"}],
    "keep_bindings": ["secret_text"],
    "main_module": "index.mjs",
    "compatibility_date": "2026-01-01",
}
step("script update without code", pick(scripts.update("one", **inside, metadata=kept), "id", "tags"))
step("answer after inherit", answer("one"))
broken = ("index.mjs", b"export default {;", MODULE)
step("script that is no JavaScript", refused(lambda: scripts.update("one", **inside, metadata=metadata(), files=[broken])))
missing = metadata(main_module="other.mjs")
step("script without its main module", refused(lambda: scripts.update("one", **inside, metadata=missing, files=files())))
unknown = metadata(bindings=[{"type": "kv_namespace", "name": "KV", "namespace_id": "0"}])
step("script with a binding that is not there", refused(lambda: scripts.update("one", **inside, metadata=unknown, files=files())))
step("answer after refusals", answer("one"))
step("script get", pick(scripts.get("one", **inside).script, "id", "tags", "has_modules", "last_deployed_from"))

# Lists

for name, tags in [("two", ["customer-2", "production"]), ("three", ["customer-1"])]:
    small = {"main_module": "index.mjs", "compatibility_date": "2026-01-01", "tags": tags}
    scripts.update(name, **inside, metadata=small, files=[says(name)])


def script_list(**query):
    answer = raw("get", f"{BASE}/scripts", query)
    rows, info = answer["result"], answer["result_info"]
    return {
        "scripts": [one["script"]["id"] for one in rows],
        "flat": [one["id"] for one in rows],
        "more": bool(info["cursor"]),
        "info": info,
    }


def listed(**query):
    return pick(script_list(**query), "scripts", "flat", "more")


step("script list", listed())
step("script list with a tag", listed(tags="production:yes"))
step("script list without a tag", listed(tags="production:no"))
step("script list by two tags", listed(tags="customer-1:yes,production:no"))
step("script list by no script's tag", listed(tags="nobody:yes"))
first = script_list(limit=2)
step("script list, a page", pick(first, "scripts", "more"))
step("script list, next page", listed(limit=2, cursor=first["info"]["cursor"]))
step("script list with a bad filter", refused(lambda: script_list(tags="production")))
step("script list with a bad limit", refused(lambda: script_list(limit=0)))
step("script list with a bad cursor", refused(lambda: script_list(cursor="?")))
step("namespace counts", pick(namespaces.get(NAMESPACE, **account), "script_count"))

# Content, settings, bindings

step("content get", modules(scripts.content.get("one", **inside)))
replaced = [one for one in files() if one[0] != "lib/words.mjs"] + [("lib/words.mjs", b'export const words = "replaced";', MODULE)]
step("content update", pick(scripts.content.update("one", **inside, metadata={"main_module": "index.mjs"}, files=replaced), "id", "tags"))
step("answer after content", answer("one"))
step("settings get", scripts.settings.get("one", **inside).to_dict(mode="json"))
settings = {
    "tags": ["customer-1", "edited"],
    "limits": {"cpu_ms": 400},
    "bindings": [{"type": "plain_text", "name": "EDITED", "text": "yes"}, {"type": "inherit", "name": "SECRET"}],
}
step("settings edit", scripts.settings.edit("one", **inside, settings=settings).to_dict(mode="json"))
step("answer after settings", answer("one"))
step("settings edit with a wrong type", refused(lambda: scripts.settings.edit("one", **inside, settings={"logpush": "yes"})))
step("bindings get", [one.to_dict(mode="json") for one in scripts.bindings.get("one", **inside)])

# Secrets

step("secret list", sorted(one.name for one in scripts.secrets.list("one", **inside)))
step("secret get", scripts.secrets.get("SECRET", **of_one).to_dict(mode="json"))
step("secret update", scripts.secrets.update("one", **inside, name="KEY", text="value", type="secret_text").to_dict(mode="json"))
step("answer after secret", answer("one"))
step("secret get, encoded twice", scripts.secrets.get("%4BEY", **of_one, url_encoded=True).to_dict(mode="json"))
step("secret delete", scripts.secrets.delete("SECRET", **of_one))
step("secret get of none", refused(lambda: scripts.secrets.get("SECRET", **of_one)))
step("secret delete of none", refused(lambda: scripts.secrets.delete("SECRET", **of_one)))
bulk = {name: {"name": name, "text": text, "type": "secret_text"} for name, text in (("A", "1"), ("B", "2"))} | {"KEY": None}
changed = scripts.secrets.bulk_update("one", **inside, secrets=bulk, version_tags={})
step("secrets bulk", {name: secret.to_dict(mode="json") for name, secret in changed.items()})
step("answer after bulk", answer("one"))
taken = {"name": "EDITED", "text": "x", "type": "secret_text"}
step("secret named as a variable", refused(lambda: scripts.secrets.update("one", **inside, **taken)))

# Tags


def tags():
    return list(scripts.tags.list("one", **inside))


step("tag list", tags())
step("tags update", list(scripts.tags.update("one", **inside, body=["customer-1", "a:b"])))
step("tag put", raw("put", f"{BASE}/scripts/one/tags/more")["success"])
step("tag put again", raw("put", f"{BASE}/scripts/one/tags/more")["success"])
step("tag list after", tags())
step("tag delete", scripts.tags.delete("a:b", **of_one))
step("tag delete of none", refused(lambda: scripts.tags.delete("a:b", **of_one)))
step("tags beyond eight", refused(lambda: list(scripts.tags.update("one", **inside, body=list("123456789")))))
step("tag list at last", tags())

# Versions and deployments, for which the package has no methods

ONE = f"{BASE}/scripts/one"


def deploy(*shares):
    versions = [{"version_id": version, "percentage": percentage} for version, percentage in shares]
    return raw("post", f"{ONE}/deployments", body={"strategy": "percentage", "versions": versions})


def deployed():
    return raw("get", f"{ONE}/deployments")["result"]["deployments"][0]["versions"]


old = deployed()[0]["version_id"]
head = json.dumps({"main_module": "index.mjs", "compatibility_date": "2026-01-01", "annotations": {"workers/message": "next"}})
parts = [
    'Content-Disposition: form-data; name="metadata"\r\n\r\n' + head,
    f'Content-Disposition: form-data; name="index.mjs"; filename="index.mjs"\r\nContent-Type: {MODULE}\r\n\r\n' + says("a version")[1].decode(),
]
form = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
created = request("POST", f"{BASE_URL}{ONE}/versions", form.encode(), {"Content-Type": "multipart/form-data; boundary=b"})
version = json.loads(created)["result"]
step("version create", pick(version, "annotations"))
step("answer before its deployment", answer("one"))
step("version list has it first", raw("get", f"{ONE}/versions")["result"]["items"][0]["id"] == version["id"])
step("version get", pick(raw("get", f"{ONE}/versions/{version['id']}")["result"], "annotations"))
step("deployment create", pick(deploy((version["id"], 100))["result"], "strategy"))
step("answer of the version", answer("one"))
deploy((version["id"], 30), (old, 70))
step("deployment of two", [[share["version_id"] == old, share["percentage"]] for share in deployed()])
step("deployment of too little", refused(lambda: deploy((version["id"], 30))))
step("deployment of no version", refused(lambda: deploy(("11111111-2222-4333-8444-555555555555", 100))))
deploy((old, 100))
step("answer after rollback", answer("one"))

# Who may

wrong = Cloudflare(base_url=BASE_URL, api_token="wrong").workers_for_platforms.dispatch.namespaces
step("wrong token", refused(lambda: wrong.get(NAMESPACE, **account)))
step("wrong account", refused(lambda: namespaces.get(NAMESPACE, account_id="f" * 32)))
step("unknown path", pick(refused(lambda: raw("get", f"{BASE}/nothing")), "class", "status", "code"))
step("wrong method", refused(lambda: raw("post", f"{BASE}/scripts")))

# The end

step("script delete by no tags", refused(lambda: raw("delete", f"{BASE}/scripts")))
step("script delete by tags", pick(raw("delete", f"{BASE}/scripts", {"tags": "customer-2:yes"})["result"], "deleted_count", "has_more"))
step("answer of the deleted", answer("two"))
step("script delete", scripts.delete("one", **inside, force=True))
step("script delete again", refused(lambda: scripts.delete("one", **inside)))
step("answer after delete", [answer("one"), answer("three")])
step("namespace delete", namespaces.delete(NAMESPACE, **account))
step("answer at last", answer("three"))
