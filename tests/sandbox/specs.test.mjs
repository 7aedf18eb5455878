// Every kind of reply of the sandbox against the vendors' published specifications, where those are at hand:
// in the folder WATCHBILL_SPECS, else in ../shared/api/specs beside the repository. They are no part of it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import { Sandbox } from "./sandbox.mjs";

const folder = process.env.WATCHBILL_SPECS ?? fileURLToPath(new URL("../../../shared/api/specs", import.meta.url));
const missing = existsSync(folder) ? false : `no specifications in ${folder}`;

/// OpenAPI's `nullable` as JSON Schema says it; formats and examples are of no concern here.
function plain(node) {
  if (Array.isArray(node)) return node.map(plain);
  if (node === null || typeof node !== "object") return node;
  const { nullable, example, examples, discriminator, xml, format, readOnly, writeOnly, ...rest } = node;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, plain(value)]));
  if (!nullable) return schema;
  return schema.enum ? { ...schema, enum: [...schema.enum, null], type: undefined } : { anyOf: [schema, { type: "null" }] };
}

/// Fields of user groups that Slack's pages have and its specification, which is older, has not.
const NEWER = ["is_idp_group", "is_membership_locked", "is_editing_restricted"];

class Spec {
  constructor(name) {
    this.document = JSON.parse(readFileSync(path.join(folder, `${name}.openapi.json`), "utf8"));
    this.newer = name === "slack-web" ? NEWER : [];
    this.ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    this.ajv.addSchema(plain(this.document), "spec");
  }

  /// What the specification has against `body` as the answer to this call; a list.
  complaints(where, method, status, body) {
    const responses = this.document.paths[where][method].responses;
    let response = responses[status] ?? responses.default;
    assert.ok(response, `${method} ${where} has no answer ${status}`);
    if (response.$ref) response = response.$ref.split("/").slice(1).reduce((node, key) => node[key], this.document);
    const schema = response.schema ?? response.content?.["application/json"]?.schema;
    if (!schema) return [];
    const local = JSON.parse(JSON.stringify(plain(schema)).replaceAll('"#/', '"spec#/'));
    const check = this.ajv.compile(local);
    return check(body) ? [] : check.errors.filter((error) => !this.newer.includes(error.params.additionalProperty)).map((error) => `${error.instancePath || "/"} ${error.message}${error.params.additionalProperty ? ` (${error.params.additionalProperty})` : ""}`);
  }
}

describe("published specifications", { skip: missing }, () => {
  let sandbox;
  before(async () => {
    sandbox = await Sandbox.start();
    await sandbox.control("rate", { off: true });
    await sandbox.control("schedule", { system: "pagerduty", id: "PV3", name: "Shift based", kind: "v3", people: ["ada", "bo"], shift_seconds: 3600 });
    await sandbox.control("override", { system: "opsgenie", schedule: "d875e654-9b4e-4219-a803-0c26936870de", person: "ada", seconds: 600 });
  });
  after(() => sandbox.stop());

  const PAGERDUTY_KEY = () => ({ Authorization: `Token token=${sandbox.ready.keys.pagerduty}`, Accept: "application/vnd.pagerduty+json;version=2" });
  const ask = async (address, headers) => {
    const answer = await fetch(address, { headers });
    return { status: answer.status, body: await answer.json() };
  };

  const soon = `since=${new Date().toISOString()}&until=${new Date(Date.now() + 3_600_000).toISOString()}`;
  const PAGERDUTY = [
    ["/schedules", "/schedules?limit=5"], ["/schedules/{id}", `/schedules/PSCHED1?${soon}`], ["/users", "/users"], ["/users/{id}", "/users/PUADA"],
    ["/oncalls", `/oncalls?schedule_ids[]=PSCHED1&${soon}`], ["/oncalls", `/oncalls?schedule_ids[]=PV3&${soon}`], ["/v3/schedules", "/v3/schedules"],
    ["/v3/schedules/{id}", `/v3/schedules/PV3?${soon}`],
  ];
  for (const [where, address] of PAGERDUTY) {
    test(`PagerDuty ${address.split("?")[0]}`, async () => {
      const spec = new Spec("pagerduty-rest");
      const { status, body } = await ask(sandbox.ready.pagerduty + address, PAGERDUTY_KEY());
      assert.equal(status, 200);
      assert.deepEqual(spec.complaints(where, "get", "200", body), []);
    });
  }

  const PAGERDUTY_REFUSALS = [["/schedules/{id}", "/schedules/PNONE", 404], ["/users/{id}", "/users/PNONE", 404], ["/oncalls", "/oncalls?since=nonsense", 400],
    ["/v3/schedules", "/v3/schedules?limit=0", 400], ["/v3/schedules/{id}", "/v3/schedules/PNONE", 404], ["/v3/schedules/{id}", "/v3/schedules/PV3?include[]=final_schedule&since=2&until=1", 400, "/v3/schedules"]];
  for (const [where, address, refused, like] of PAGERDUTY_REFUSALS) {
    test(`PagerDuty refuses ${address}`, async () => {
      const { status, body } = await ask(sandbox.ready.pagerduty + address, PAGERDUTY_KEY());
      assert.equal(status, refused);
      assert.deepEqual(new Spec("pagerduty-rest").complaints(like ?? where, "get", String(refused), body), []);
    });
  }

  const PLATFORM = "d875e654-9b4e-4219-a803-0c26936870de";
  const OPSGENIE = [
    ["/v2/schedules", "/v2/schedules"], ["/v2/schedules", "/v2/schedules?expand=rotation"], ["/v2/schedules/{identifier}", `/v2/schedules/${PLATFORM}`],
    ["/v2/schedules/{identifier}/timeline", `/v2/schedules/${PLATFORM}/timeline?interval=1&intervalUnit=days`],
    ["/v2/schedules/on-calls", "/v2/schedules/on-calls?flat=false"], ["/v2/schedules/{identifier}/on-calls", `/v2/schedules/${PLATFORM}/on-calls?flat=false`],
    ["/v2/schedules/{identifier}/on-calls", `/v2/schedules/${PLATFORM}/on-calls?flat=true`], ["/v2/users", "/v2/users"],
    ["/v2/users/{identifier}", "/v2/users/ada@example.com"],
  ];
  for (const [where, address] of OPSGENIE) {
    test(`Opsgenie ${address}`, async () => {
      const spec = new Spec("opsgenie");
      const { status, body } = await ask(sandbox.ready.opsgenie + address, { Authorization: `GenieKey ${sandbox.ready.keys.opsgenie}` });
      assert.equal(status, 200);
      assert.deepEqual(spec.complaints(where, "get", "200", body), []);
    });
  }

  const OPSGENIE_REFUSALS = [["/v2/schedules", "/v2/schedules", "wrong", [401, 422]],
    ["/v2/schedules/{identifier}", "/v2/schedules/11111111-2222-3333-4444-555555555555", null, [404]]];
  for (const [where, address, key, refused] of OPSGENIE_REFUSALS) {
    test(`Opsgenie refuses ${address}${key ? " with a wrong key" : ""}`, async () => {
      const { status, body } = await ask(sandbox.ready.opsgenie + address, { Authorization: `GenieKey ${key ?? sandbox.ready.keys.opsgenie}` });
      assert.ok(refused.includes(status), `${status}`);
      assert.deepEqual(new Spec("opsgenie").complaints(where, "get", String(status), body), []);
    });
  }

  const VIEW = { blocks: [{ type: "section", text: { type: "mrkdwn", text: "hello" } }] };
  const modal = () => JSON.stringify({ ...VIEW, type: "modal", title: { type: "plain_text", text: "Hello" } });
  const trigger = async () => (await sandbox.control("trigger", { person: "ada" })).trigger_id;
  const posted = async (channel) => (await slack("/chat.postMessage", { channel, text: "first" })).ts;
  const SLACK = [
    ["/auth.test", "get", {}], ["/usergroups.list", "get", { include_users: "true", include_disabled: "true" }], ["/usergroups.users.list", "get", { usergroup: "S0PAYMENTSONCALL" }],
    ["/usergroups.users.update", "post", { usergroup: "S0PAYMENTSONCALL", users: "U0ADA" }], ["/users.list", "get", {}], ["/users.info", "get", { user: "U0ADA" }],
    ["/users.lookupByEmail", "get", { email: "ada@example.com" }], ["/conversations.list", "get", {}], ["/conversations.info", "get", { channel: "C0PAYMENTS" }],
    ["/conversations.join", "post", { channel: "C0PAYMENTS" }], ["/chat.postMessage", "post", { channel: "C0PAYMENTS", text: "hello" }],
    ["/usergroups.create", "post", { name: "Search", handle: "search-oncall" }], ["/usergroups.update", "post", { usergroup: "S0PAYMENTSONCALL", name: "Payments, on call" }],
    ["/usergroups.disable", "post", { usergroup: "S0PLATFORMONCALL" }], ["/usergroups.enable", "post", { usergroup: "S0PLATFORMONCALL" }],
    ["/conversations.open", "post", { users: "U0ADA" }], ["/chat.postEphemeral", "post", { channel: "C0PAYMENTS", user: "U0GINA", text: "psst" }],
    ["/chat.update", "post", async () => ({ channel: "C0PAYMENTS", ts: await posted("C0PAYMENTS"), text: "second" })],
    ["/chat.delete", "post", async () => ({ channel: "C0PAYMENTS", ts: await posted("C0PAYMENTS") })],
    ["/views.publish", "get", { user_id: "U0ADA", view: JSON.stringify({ ...VIEW, type: "home" }) }],
    ["/views.open", "get", async () => ({ trigger_id: await trigger(), view: modal() })],
    ["/views.push", "get", async () => ({ trigger_id: await trigger(), view: modal() })],
    ["/views.update", "get", async () => ({ view_id: (await slack("/views.push", { trigger_id: await trigger(), view: modal() })).view.id, view: modal() })],
  ];
  const slack = async (where, fields, token = sandbox.ready.tokens.bot) => (await fetch(sandbox.ready.slack_api + where.slice(1), { method: "POST",
    headers: { Authorization: `Bearer ${token}` }, body: new URLSearchParams(fields) })).json();

  test("Slack refuses a wrong token", async () => {
    for (const [where, method] of [["/auth.test", "get"], ["/usergroups.list", "get"], ["/chat.postMessage", "post"]]) {
      const body = await slack(where, {}, "xoxb-wrong");
      assert.equal(body.ok, false);
      assert.deepEqual(new Spec("slack-web").complaints(where, method, "default", body), [], where);
    }
  });

  for (const [where, method, fields] of SLACK) {
    test(`Slack ${where.slice(1)}`, async () => {
      const spec = new Spec("slack-web");
      const body = await slack(where, typeof fields === "function" ? await fields() : fields);
      assert.equal(body.ok, true, body.error);
      assert.deepEqual(spec.complaints(where, method, "200", body), []);
    });
  }
});
