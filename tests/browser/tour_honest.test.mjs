// What looks like a step of the tour, and is none, ticks nothing.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, choose, until } from "./world.mjs";

describe("the guided tour is not fooled", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    page = await world.open();
  });
  after(() => world.stop());

  const done = (step) => page.locator(`[data-step=${step}]`).getAttribute("data-done");
  const people = async (handle) => (await world.group(handle)).people.join();
  const onCall = async () => (await world.control("on_call", { system: "pagerduty", id: "PSCHED1" })).schedules[0].people.join();
  const handoff = async () => {
    const was = await people("payments-oncall");
    let now = was;
    await until("a handoff", async () => (now = await people("payments-oncall")) !== was);
    // The page has heard of it when it draws who is there now.
    const { users } = await world.control("state", { only: ["users"] });
    const name = users.find((one) => one.key === now).name;
    await page.locator("[data-group=payments-oncall]", { hasText: name }).waitFor();
  };

  test("rotations that others make are not one's own", async () => {
    await world.control("storm", { groups: 2 });
    await page.getByRole("tab", { name: "What Watchbill did" }).click();
    await page.getByText("watchbill status --format json").click();
    await until("both are kept", async () => {
      const text = await page.locator(".status-json").textContent();
      const { rotations } = text.startsWith("{") ? JSON.parse(text) : { rotations: [] };
      return rotations.filter((one) => one.name.startsWith("storm") && one.state === "in_sync").length === 2;
    });
    assert.equal(await done("rotation"), "no");
    await page.getByRole("tab", { name: "Scheduling systems" }).click();
  });

  test("a slow system is not a broken one", async () => {
    await world.control("speed", { shift_seconds: 5 });
    await world.control("fault", { system: "pagerduty", kind: "slow", slow_ms: 300 });
    await page.getByText("PagerDuty: slow").waitFor();
    await handoff();
    assert.equal(await done("break"), "no");
    await world.control("clear_faults", { system: "all" });
  });

  test("an override that Watchbill never saw is none, whatever comes after it", async () => {
    await world.control("speed", { shift_seconds: 300 });
    await world.control("end_shift", { system: "pagerduty", schedule: "PSCHED1" });
    await world.control("fault", { system: "pagerduty", kind: "500" });
    await page.getByRole("article", { name: "Payments primary" }).getByRole("button", { name: "Override now…" }).click();
    await choose(page, "Person", "Finn", "Finn Okafor");
    await page.getByRole("combobox", { name: "For how long" }).selectOption("15");
    await page.getByRole("dialog").getByRole("button", { name: "Override", exact: true }).click();
    await until("the override", async () => (await onCall()) === "finn");
    await until("its end", async () => (await onCall()) !== "finn");
    await world.control("clear_faults", { system: "all" });
    await world.control("override", { system: "pagerduty", schedule: "PSCHED1", person: "finn", seconds: 60 });
    await until("Finn by somebody else's override", async () => (await people("payments-oncall")) === "finn");
    await page.locator("[data-group=payments-oncall]", { hasText: "Finn Okafor" }).waitFor();
    assert.equal(await done("override"), "no");
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
