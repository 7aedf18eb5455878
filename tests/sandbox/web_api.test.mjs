// @slack/web-api against the sandbox: groups, people, channels, messages, views.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ErrorCode, WebClient } from "@slack/web-api";
import { Sandbox } from "./sandbox.mjs";

describe("@slack/web-api", () => {
  let sandbox;
  let slack;
  before(async () => {
    sandbox = await Sandbox.start();
    slack = new WebClient(sandbox.ready.tokens.bot, { slackApiUrl: sandbox.ready.slack_api });
  });
  after(() => sandbox.stop());

  const refusal = (code) => (error) => error.code === ErrorCode.PlatformError && error.data.error === code;

  test("auth.test says who we are", async () => {
    const answer = await slack.auth.test();
    assert.equal(answer.user_id, "U0BOT");
    assert.equal(answer.team, "Northwind Ops");
  });

  test("user groups are listed, made, filled, disabled and enabled", async () => {
    const before = await slack.usergroups.list({ include_users: true, include_disabled: true });
    assert.ok(before.usergroups.some((group) => group.handle === "payments-oncall" && group.users.length === 1));
    const made = await slack.usergroups.create({ name: "Search on-call", handle: "search-oncall" });
    const id = made.usergroup.id;
    const filled = await slack.usergroups.users.update({ usergroup: id, users: "U0ADA,U0BO" });
    assert.deepEqual([...filled.usergroup.users].sort(), ["U0ADA", "U0BO"]);
    assert.deepEqual([...(await slack.usergroups.users.list({ usergroup: id })).users].sort(), ["U0ADA", "U0BO"]);
    await slack.usergroups.update({ usergroup: id, description: "Who searches" });
    assert.notEqual((await slack.usergroups.disable({ usergroup: id })).usergroup.date_delete, 0);
    assert.equal((await slack.usergroups.enable({ usergroup: id })).usergroup.date_delete, 0);
    await assert.rejects(slack.usergroups.users.update({ usergroup: id, users: "" }), refusal("no_users_provided"));
    await assert.rejects(slack.usergroups.users.update({ usergroup: id, users: "U0NOBODY" }), refusal("invalid_users"));
  });

  test("people are paged by the client's own iterator, and found by e-mail", async () => {
    const names = [];
    for await (const page of slack.paginate("users.list", { limit: 3 })) names.push(...page.members.map((user) => user.id));
    assert.ok(names.length > 6);
    assert.equal(new Set(names).size, names.length);
    assert.equal((await slack.users.lookupByEmail({ email: "ada@example.com" })).user.id, "U0ADA");
    await assert.rejects(slack.users.lookupByEmail({ email: "nobody@example.com" }), refusal("users_not_found"));
    assert.equal((await slack.users.info({ user: "U0BO" })).user.real_name, "Bo Tanaka");
  });

  test("channels are listed and joined, messages posted, changed and removed", async () => {
    const channels = (await slack.conversations.list({ types: "public_channel", limit: 100 })).channels;
    const payments = channels.find((channel) => channel.name === "payments");
    await slack.conversations.join({ channel: payments.id });
    const posted = await slack.chat.postMessage({
      channel: payments.id, text: "hello", metadata: { event_type: "watchbill", event_payload: { key: "k1" } },
      blocks: [{ type: "section", text: { type: "mrkdwn", text: "*hello* <@U0ADA>" } }],
    });
    assert.match(posted.ts, /^\d+\.\d{6}$/);
    assert.equal(posted.message.text, "hello");
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "" } }];
    await assert.rejects(slack.chat.postMessage({ channel: payments.id, text: "x", blocks }), refusal("invalid_blocks"));
    await assert.rejects(slack.chat.postMessage({ channel: "C0NOWHERE", text: "x" }), refusal("channel_not_found"));
  });

  test("a home tab is published, and a modal opened once for a trigger", async () => {
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "at home" } }];
    await slack.views.publish({ user_id: "U0ADA", view: { type: "home", blocks } });
    assert.equal((await sandbox.control("home", { person: "ada" })).home.view.blocks[0].text.text, "at home");
    const { trigger_id } = await sandbox.control("trigger", { person: "ada" });
    const view = { type: "modal", title: { type: "plain_text", text: "One" }, blocks };
    const opened = await slack.views.open({ trigger_id, view });
    await slack.views.update({ view_id: opened.view.id, hash: opened.view.hash, view: { ...view, title: { type: "plain_text", text: "Two" } } });
    assert.equal((await sandbox.control("modals", { person: "ada" })).modals[0].view.title.text, "Two");
    await assert.rejects(slack.views.open({ trigger_id, view }), refusal("exchanged_trigger_id"));
    const long = { ...view, title: { type: "plain_text", text: "x".repeat(25) } };
    await assert.rejects(slack.views.update({ view_id: opened.view.id, view: long }), (error) =>
      refusal("invalid_arguments")(error) && error.data.response_metadata.messages.some((text) => text.includes("json-pointer:/view/title")));
  });

  test("what Slack does not have is refused", async () => {
    await assert.rejects(slack.apiCall("usergroups.destroy"), refusal("unknown_method"));
    const nobody = new WebClient("xoxb-wrong", { slackApiUrl: sandbox.ready.slack_api });
    await assert.rejects(nobody.auth.test(), refusal("invalid_auth"));
    await sandbox.control("token", { token: sandbox.ready.tokens.bot, drop: ["usergroups:write"] });
    await assert.rejects(slack.usergroups.create({ name: "No", handle: "no" }), refusal("missing_scope"));
    await sandbox.control("token", { token: sandbox.ready.tokens.bot, add: ["usergroups:write"] });
  });

  test("a rate limit is an error with the seconds to wait", async () => {
    await sandbox.control("fault", { system: "slack", kind: "429", times: 1, retry_after: 7 });
    const impatient = new WebClient(sandbox.ready.tokens.bot, { slackApiUrl: sandbox.ready.slack_api, rejectRateLimitedCalls: true });
    await assert.rejects(impatient.usergroups.list(), (error) => error.code === ErrorCode.RateLimitedError && error.retryAfter === 7);
  });
});
