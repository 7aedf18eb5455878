// @pagerduty/pdjs and opsgenie-sdk against the sandbox: schedules, on-calls, users.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { api } from "@pagerduty/pdjs";
import { Sandbox } from "./sandbox.mjs";

const require = createRequire(import.meta.url);
describe("scheduling systems", () => {
  let sandbox;
  before(async () => {
    sandbox = await Sandbox.start();
    await sandbox.control("bulk", { groups: 1, people: 30, schedules: { pagerduty: 30, opsgenie: 3, xmatters: 0 }, people_per_schedule: 3, shift_seconds: 3600, boundary_at: 600, channels: 1 });
  });
  after(() => sandbox.stop());

  /// Where pdjs goes: it knows only https names, or whole URLs.
  const to = (path) => ({ url: `${sandbox.ready.pagerduty}${path}` });
  const pagerduty = () => api({ token: sandbox.ready.keys.pagerduty });
  /// Follows the client's own `next` to the last page.
  async function all(first, list) {
    const rows = [];
    for (let page = await first; ; page = await page.next()) {
      rows.push(...page.data[list]);
      if (!page.next) return rows;
    }
  }

  test("pdjs pages through schedules, on-calls and users", async () => {
    const pd = pagerduty();
    const schedules = await all(pd.get("/schedules", { ...to("/schedules"), data: { limit: 10 } }), "schedules");
    assert.equal(schedules.length, 31);
    assert.equal(new Set(schedules.map((one) => one.id)).size, 31);
    const users = await all(pd.get("/users", { ...to("/users"), data: { limit: 7 } }), "users");
    assert.ok(users.some((user) => user.email === "ada@example.com"));
    const window = { since: new Date().toISOString(), until: new Date(Date.now() + 60_000).toISOString(), limit: 5 };
    const oncalls = await all(pd.get("/oncalls", { ...to("/oncalls"), data: { ...window, "schedule_ids[]": ["PSCHED1"] } }), "oncalls");
    assert.ok(oncalls.length > 0);
    assert.ok(oncalls.every((one) => one.schedule.id === "PSCHED1" && one.user.id));
  });

  test("pdjs is told of a wrong token and of what is not there", async () => {
    const wrong = await api({ token: "wrong", ...to("/schedules") }).catch((response) => response);
    assert.equal(wrong.status, 401);
    const gone = await pagerduty().get("/schedules/PNONE", to("/schedules/PNONE"));
    assert.equal(gone.status, 404);
    assert.equal(gone.data.error.code, 2100);
  });

  /// The SDK has no functions for schedules: its own REST client asks.
  function opsgenie(key) {
    require("opsgenie-sdk").configure({ host: sandbox.ready.opsgenie, api_key: key, maxAttempts: 1 });
    const client = require("opsgenie-sdk/lib/restApi");
    return (path) => new Promise((resolve, reject) => client.get(path, (error, body) => (error ? reject(error) : resolve(body))));
  }

  test("opsgenie-sdk reads schedules and who is on call", async () => {
    const get = opsgenie(sandbox.ready.keys.opsgenie);
    const schedules = (await get("/v2/schedules")).data;
    assert.equal(schedules.length, 4);
    const platform = schedules.find((one) => one.name === "Platform");
    const flat = (await get(`/v2/schedules/${platform.id}/on-calls?flat=true`)).data;
    assert.equal(flat.onCallRecipients.length, 1);
    const nested = (await get(`/v2/schedules/${platform.id}/on-calls?flat=false`)).data;
    assert.equal(nested.onCallParticipants[0].name, flat.onCallRecipients[0]);
    const timeline = (await get(`/v2/schedules/${platform.id}/timeline?interval=1&intervalUnit=days`)).data;
    assert.ok(timeline.finalTimeline.rotations[0].periods.length > 0);
  });

  test("opsgenie-sdk is told of a wrong key", async () => {
    const get = opsgenie("wrong");
    await assert.rejects(get("/v2/schedules"), (error) => error.httpStatusCode === 401 || error.httpStatusCode === 422);
  });
});
