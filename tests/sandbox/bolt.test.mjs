// @slack/bolt, an app as others write it, over Socket Mode and over HTTP request URLs: the same app, the same tests.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import bolt from "@slack/bolt";
import { Sandbox, until } from "./sandbox.mjs";

const text = (value) => ({ type: "plain_text", text: value });
const GROUPS = ["payments-oncall", "platform-oncall", "search-oncall"];

const home = (saved) => ({
  type: "home",
  blocks: [
    { type: "section", text: { type: "mrkdwn", text: saved ? `saved: ${saved}` : "nothing saved" } },
    { type: "actions", block_id: "main", elements: [{ type: "button", action_id: "new", text: text("New"), value: "n1",
      confirm: { title: text("Sure?"), text: text("Really?"), confirm: text("Yes"), deny: text("No") } }] },
    { type: "input", block_id: "find", dispatch_action: true, optional: true, label: text("Find"), element: { type: "plain_text_input", action_id: "typed" } },
  ],
});

const form = {
  type: "modal", callback_id: "form", notify_on_close: true, title: text("New"), submit: text("Save"),
  blocks: [
    { type: "input", block_id: "name", label: text("Name"), element: { type: "plain_text_input", action_id: "v" } },
    { type: "input", block_id: "group", label: text("Group"), element: { type: "external_select", action_id: "group", min_query_length: 0 } },
    { type: "input", block_id: "people", optional: true, label: text("People"), element: { type: "multi_users_select", action_id: "v" } },
  ],
};

/// The app: a home tab, a form with a searched select, a confirmation that is pushed, a command.
function listenTo(app, seen) {
  app.event("app_home_opened", ({ event, client }) => client.views.publish({ user_id: event.user, view: home() }));
  app.action("new", async ({ ack, body, client }) => {
    await ack();
    seen.push(["new", body.actions[0].value]);
    await client.views.open({ trigger_id: body.trigger_id, view: form });
  });
  app.action("typed", async ({ ack, body }) => {
    await ack();
    seen.push(["typed", body.actions[0].value, body.view.state.values.find.typed.value]);
  });
  app.options("group", ({ ack, payload }) =>
    ack({ options: GROUPS.filter((name) => name.includes(payload.value)).map((name) => ({ text: text(name), value: name })) }));
  app.view("form", async ({ ack, view }) => {
    const values = view.state.values;
    if (values.name.v.value === "taken") return ack({ response_action: "errors", errors: { name: "This name is taken" } });
    seen.push(["form", values.name.v.value, values.group.group.selected_option.value, values.people.v.selected_users]);
    const done = { type: "modal", callback_id: "done", title: text("Sure?"), submit: text("Yes"), private_metadata: values.name.v.value,
      blocks: [{ type: "section", text: text("Save it?") }] };
    return ack({ response_action: "push", view: done });
  });
  app.view("done", async ({ ack, view, body, client }) => {
    await ack({ response_action: "clear" });
    await client.views.publish({ user_id: body.user.id, view: home(view.private_metadata) });
  });
  app.view({ callback_id: "form", type: "view_closed" }, async ({ ack, body }) => {
    await ack();
    seen.push(["closed", body.is_cleared]);
  });
  app.command("/oncall", async ({ ack, command, respond }) => {
    await ack({ text: `first: ${command.text}` });
    await respond({ text: "second", response_type: "ephemeral" });
  });
  app.error(async (error) => seen.push(["error", error.message]));
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startApp(mode, sandbox, seen) {
  const { tokens, slack_api: slackApiUrl } = sandbox.ready;
  const common = { token: tokens.bot, clientOptions: { slackApiUrl }, logLevel: bolt.LogLevel.ERROR };
  const port = await freePort();
  const app = mode === "socket" ? new bolt.App({ ...common, socketMode: true, appToken: tokens.app })
    : new bolt.App({ ...common, signingSecret: tokens.signing_secret });
  listenTo(app, seen);
  await app.start(port);
  if (mode === "http") await sandbox.control("transport", { mode: "http", url: `http://127.0.0.1:${port}/slack/events` });
  else await until("the app is connected", async () => (await sandbox.control("socket")).connections.length > 0);
  return app;
}

for (const mode of ["socket", "http"]) {
  describe(`bolt over ${mode}`, () => {
    let sandbox;
    let app;
    const seen = [];
    before(async () => {
      sandbox = await Sandbox.start();
      app = await startApp(mode, sandbox, seen);
    });
    after(async () => {
      await app.stop();
      sandbox.stop();
    });
    const as = (name, fields) => sandbox.control(name, { person: "ada", ...fields });
    const homeText = async () => (await as("home")).home?.view.blocks[0].text.text;

    test("the home tab is published when somebody opens it", async () => {
      await as("open_home");
      await until("the home tab", async () => (await homeText()) === "nothing saved");
    });

    test("typing in the home tab is told with the state of the view", async () => {
      await as("act", { view: "home", action_id: "typed", value: "pay" });
      await until("the typed text", () => seen.some((one) => one.join() === "typed,pay,pay"));
    });

    test("a button asks first, and then opens a form whose select asks the app", async () => {
      const asked = await as("act", { view: "home", action_id: "new" });
      assert.equal(asked.confirm.title.text, "Sure?");
      assert.equal((await as("act", { view: "home", action_id: "new", confirmed: true })).acked, true);
      await until("the form", async () => (await as("modals")).modals.length === 1);
      const offered = await as("suggest", { action_id: "group", value: "search" });
      assert.deepEqual(offered.options.map((one) => one.value), ["search-oncall"]);
    });

    test("errors stand at their field, and a form that is right pushes a question", async () => {
      await as("fill", { action_id: "group", value: "search-oncall" });
      await as("fill", { block_id: "people", action_id: "v", values: ["ada", "bo"] });
      await as("fill", { block_id: "name", action_id: "v", value: "taken" });
      const refused = await as("submit");
      assert.equal(refused.result, "errors");
      assert.deepEqual(refused.errors, { name: "This name is taken" });
      await as("fill", { block_id: "name", action_id: "v", value: "search" });
      const pushed = await as("submit");
      assert.equal(pushed.result, "pushed");
      assert.equal(pushed.modals.length, 2);
      assert.deepEqual(seen.find((one) => one[0] === "form"), ["form", "search", "search-oncall", ["U0ADA", "U0BO"]]);
      assert.equal((await as("submit")).result, "cleared");
      await until("the new home tab", async () => (await homeText()) === "saved: search");
    });

    test("closing the form is told", async () => {
      await as("act", { view: "home", action_id: "new", confirmed: true });
      await until("the form", async () => (await as("modals")).modals.length === 1);
      await as("close", { all: true });
      await until("the news", () => seen.some((one) => one.join() === "closed,true"));
    });

    test("a command is answered at once and again", async () => {
      await sandbox.control("message", { channel: "payments", person: "ada", text: "hi" });
      await as("command", { channel: "payments", command: "/oncall", text: "payments" });
      const heard = async () => (await as("ephemerals", { channel: "payments" })).messages.map((one) => one.text);
      // They come over two connections, so either may be the first.
      assert.deepEqual(await until("both answers", async () => {
        const texts = await heard();
        return texts.length === 2 && texts.sort();
      }), ["first: payments", "second"]);
    });

    test("nothing went wrong in the app", () => assert.deepEqual(seen.filter((one) => one[0] === "error"), []));
  });
}
