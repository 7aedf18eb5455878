// What can be done to the scheduling systems, to Slack and to people, and what the page tells of it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, actAs, choose, shot, until } from "./world.mjs";

describe("the scheduling systems", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    page = await world.open();
    await until("a first handoff", async () => (await world.control("messages", { channel: "payments" })).messages.length > 0);
  });
  after(() => world.stop());

  const schedule = (name) => page.getByRole("article", { name });
  const people = async (handle) => (await world.group(handle)).people.join();
  const faults = async () => (await world.control("faults")).faults;
  const breakIt = async (system, kind) => {
    await page.getByRole("combobox", { name: "Which system" }).selectOption({ label: system });
    await page.getByRole("combobox", { name: "What is wrong" }).selectOption({ label: kind });
    await page.getByRole("button", { name: "Break it" }).click();
  };

  test("shifts get another length, and who is on call stays", async () => {
    await page.getByRole("combobox", { name: "Length of shifts" }).selectOption({ label: "5 min" });
    await schedule("Payments primary").locator(".who").getByText(/, \d+ min left$/).waitFor();
  });

  test("a shift that is ended gives the group to the next one", async () => {
    const before = await people("payments-oncall");
    await schedule("Payments primary").getByRole("button", { name: "End this shift" }).click();
    const next = await until("somebody else", async () => {
      const now = await people("payments-oncall");
      return now !== before && now;
    });
    const { schedules } = await world.control("on_call", { system: "pagerduty", id: "PSCHED1" });
    assert.equal(next, schedules[0].people.join());
  });

  test("a shift of nobody is drawn so", async () => {
    await schedule("Platform").getByRole("button", { name: "Nobody, 45 s" }).click();
    await schedule("Platform").locator(".shift.nobody").first().waitFor();
    await schedule("Platform").locator(".who").getByText(/^nobody/).waitFor();
  });

  test("every system can be broken, one or all, and Slack in its own ways", async () => {
    for (const kind of ["errors (500)", "rate limited (429)", "hangs", "resets connections", "empty answers", "wrong key (401)", "slow (2 s)"]) {
      await breakIt("xMatters", kind);
      await until(kind, async () => (await faults()).length === 1);
      await page.getByText(`xMatters: ${kind}`).waitFor();
      await page.getByRole("button", { name: "Mend" }).click();
      await until("mended", async () => (await faults()).length === 0);
    }
    await breakIt("All systems", "errors (500)");
    await until("all are broken", async () => (await faults())[0]?.system === "all");
    await page.getByRole("button", { name: "Mend" }).click();
    await breakIt("Slack", "permission_denied");
    await until("Slack refuses", async () => (await faults())[0]?.code === "permission_denied");
    await page.getByRole("list", { name: "What is broken" }).getByText("Slack: permission_denied").waitFor();
    await schedule("Database").getByRole("button", { name: "End this shift" }).click();
    await page.getByText("#ops-alerts").click();
    await page.getByRole("log").getByText(/database/).first().waitFor();
    await shot(page, "slack-refuses");
    await page.getByRole("button", { name: "Mend" }).click();
    await until("mended", async () => (await faults()).length === 0);
  });

  test("Slack's rate limits are those of reality, or none", async () => {
    const limits = page.getByRole("combobox", { name: "Slack's rate limits" });
    assert.equal(await limits.inputValue(), "10");
    await limits.selectOption({ label: "as in reality" });
    const refused = await until("Slack refuses", async () => {
      for (let i = 0; i < 25; ++i) {
        const answer = await fetch(`${world.ready.slack_api}usergroups.list`, { method: "POST", headers: { Authorization: `Bearer ${world.ready.tokens.bot}` } });
        if (answer.status === 429) return answer;
      }
      return null;
    });
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    await limits.selectOption({ label: "none" });
    await until("no limits", async () => (await fetch(`${world.ready.slack_api}usergroups.list`, { method: "POST", headers: { Authorization: `Bearer ${world.ready.tokens.bot}` } })).status === 200);
    await limits.selectOption({ label: "ten times as many calls" });
  });

  test("somebody who leaves is deactivated", async () => {
    await choose(page, "Deactivate in Slack", "Eva", "Eva Novak");
    await page.getByRole("button", { name: "Deactivate", exact: true }).click();
    await page.locator("#place-people").click();
    await page.locator(".person", { hasText: "Eva Novak" }).getByText("deactivated").waitFor();
    await shot(page, "people-of-the-demo");
  });

  test("who left is brought back, in the list of people or beside it", async () => {
    const eva = page.locator(".person", { hasText: "Eva Novak" });
    await eva.getByRole("button", { name: "Bring back Eva Novak" }).click();
    await eva.getByText("deactivated").waitFor({ state: "detached" });
    const { users } = await world.control("state", { only: ["users"] });
    assert.equal(users.find((one) => one.key === "eva").deleted, false);

    const gone = page.getByRole("list", { name: "Who is deactivated in Slack" });
    assert.equal(await gone.getByRole("listitem").count(), 0);
    await choose(page, "Deactivate in Slack", "Eva", "Eva Novak");
    await page.getByRole("button", { name: "Deactivate", exact: true }).click();
    await gone.getByRole("button", { name: "Bring back Eva Novak" }).focus();
    await page.keyboard.press("Enter");
    await gone.getByRole("listitem").waitFor({ state: "detached" });
    await eva.getByText("deactivated").waitFor({ state: "detached" });
  });

  test("a guest sees the channels in which he is, and writes there", async () => {
    await page.getByText("#payments").click();
    await actAs(page, "Gina Guest");
    await page.locator("#my-role").getByText("guest").waitFor();
    assert.deepEqual(await page.locator(".channel-name").allTextContents(), ["#payments"]);
    await page.getByRole("combobox", { name: "Message or command" }).fill("hello @bo");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.locator(".message", { hasText: "Gina Guest" }).locator(".mention", { hasText: "Bo Tanaka" }).waitFor();
    await actAs(page, "Workspace Admin");
  });

  test("what Watchbill did is told: requests, lag, status", async () => {
    await page.getByRole("tab", { name: "What Watchbill did" }).click();
    await world.control("end_shift", { system: "pagerduty", schedule: "PSCHED1" });
    const row = page.locator(".request", { hasText: "usergroups.users.update" }).first();
    await page.getByRole("combobox", { name: "Requests to" }).selectOption({ label: "Slack" });
    await row.waitFor();
    assert.match(await row.textContent(), /\d\d:\d\d:\d\d.*usergroups\.users\.update.*\d+ ms\+\d+\.\d s/);
    assert.match(await page.locator(".lags tbody tr").last().textContent(), /@\S+-oncall.* s$|by hand$/);
    await page.getByText("watchbill status --format json").click();
    await page.locator(".status-json", { hasText: '"rotations"' }).waitFor();
    await shot(page, "what-watchbill-did");
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
