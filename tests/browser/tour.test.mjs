// The guided tour: each of its steps ticks itself when it really happened, and not before.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, choose, openHome, shot, until } from "./world.mjs";

describe("the guided tour", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    page = await world.open();
  });
  after(() => world.stop());

  const done = (step) => page.locator(`[data-step=${step}]`).getAttribute("data-done");
  const ticked = (step) => page.locator(`[data-step=${step}][data-done=yes]`).waitFor();

  test("seeing a handoff", async () => {
    await page.locator(".group.lit").first().waitFor();
    await ticked("handoff");
    await page.locator(".message", { hasText: "takes over from" }).first().waitFor();
    await shot(page, "workspace-after-a-handoff");
  });

  test("making an override", async () => {
    assert.equal(await done("override"), "no");
    await page.getByRole("article", { name: "Payments primary" }).getByRole("button", { name: "Override now…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Override", exact: true }).click();
    await page.getByRole("alert").getByText("Choose who takes over.").waitFor();
    await choose(page, "Person", "Finn", "Finn Okafor");
    await page.getByRole("combobox", { name: "For how long" }).selectOption("15");
    await shot(page, "override");
    await page.getByRole("dialog").getByRole("button", { name: "Override", exact: true }).click();
    await ticked("override");
    const group = await world.group("payments-oncall");
    assert.deepEqual(group.people, ["finn"]);
    await page.locator(".shift.override").first().waitFor();
    await shot(page, "timelines-with-an-override");
  });

  test("creating a rotation in the app home", async () => {
    assert.equal(await done("rotation"), "no");
    await page.getByRole("button", { name: "Open the app home" }).click();
    await openHome(page);
    await page.getByRole("button", { name: "New rotation" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).fill("search");
    await choose(page, "Slack user group", "search-oncall", /search-oncall/);
    await choose(page, "Schedules", "Platform");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await ticked("rotation");
    const group = await until("the new group", () => world.group("search-oncall"));
    assert.equal(group.people.length, 1);
  });

  test("breaking PagerDuty", async () => {
    assert.equal(await done("break"), "no");
    await page.getByRole("combobox", { name: "Which system" }).selectOption("pagerduty");
    await page.getByRole("combobox", { name: "What is wrong" }).selectOption("500");
    await page.getByRole("button", { name: "Break it" }).click();
    await page.getByRole("button", { name: "Mend" }).waitFor();
    await ticked("break");
    await page.getByRole("button", { name: "Mend" }).scrollIntoViewIfNeeded();
    await shot(page, "a-broken-system");
    await page.getByRole("button", { name: "Mend" }).click();
    await until("no faults", async () => (await world.control("faults")).faults.length === 0);
  });

  test("killing the daemon during a storm", async () => {
    await page.getByRole("button", { name: "Begin the storm" }).click();
    const groups = await until("the storm's groups", async () => {
      const state = await world.control("state", { only: ["groups"] });
      const storm = state.groups.filter((one) => one.handle.startsWith("storm"));
      return storm.length >= 40 && storm;
    });
    const before = new Map(groups.map((one) => [one.id, one.users.join()]));
    const changed = async () => (await world.control("state", { only: ["groups"] })).groups.filter((one) => before.has(one.id) && before.get(one.id) !== one.users.join()).length;
    await until("the first of them written", async () => (await changed()) >= 3);
    await page.getByRole("button", { name: "kill -9" }).click();
    await page.getByText("watchbilld is dead.").waitFor();
    assert.ok((await changed()) < 40, "it was killed in the middle");
    assert.equal(await done("storm"), "no");
    await shot(page, "killed-in-a-storm");
    await page.getByRole("button", { name: "Start again" }).click();
    await ticked("storm");
    assert.equal(await changed(), 40);
    await page.locator("[data-step=own]").getByText("Use your own Slack").waitFor();
    await shot(page, "after-the-storm");
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
