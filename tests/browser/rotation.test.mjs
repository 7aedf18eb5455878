// The life of a rotation, all of it in the app home.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, actAs, choose, openHome, shot, until } from "./world.mjs";

describe("a rotation in the app home", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    await world.control("group", { handle: "weekend", name: "Weekend", people: ["otto"] });
    page = await world.open();
    await openHome(page);
  });
  after(() => world.stop());

  const home = () => page.locator(".home-blocks");
  const menu = async (rotation, item) => {
    await home().getByRole("button", { name: `More actions: ${rotation} ` }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  const dialog = () => page.getByRole("dialog");

  test("the home tab shows the systems and the rotations that are there", async () => {
    for (const text of ["Scheduling systems", "Rotations", "@payments-oncall"]) await home().getByText(text).first().waitFor();
    await shot(page, "app-home");
  });

  test("errors stand at their fields, and nothing typed is lost", async () => {
    await page.getByRole("button", { name: "New rotation" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).fill("payments");
    await shot(page, "new-rotation");
    await dialog().getByRole("button", { name: "Create" }).click();
    await dialog().locator(".wrong .field-error").first().waitFor();
    await choose(page, "Slack user group", "night", /night/);
    await choose(page, "Schedules", "Database");
    await dialog().getByRole("button", { name: "Create" }).click();
    await dialog().locator(".block-input.wrong").first().waitFor();
    assert.equal(await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).inputValue(), "payments");
    await shot(page, "new-rotation-refused");
  });

  test("it is created with a new group", async () => {
    await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).fill("night watch");
    await dialog().getByRole("button", { name: "Create" }).click();
    await dialog().waitFor({ state: "hidden" });
    const group = await until("the group", async () => {
      const one = await world.group("night");
      return one?.people.length && one;
    });
    assert.ok(group.people.length >= 1);
    await home().getByText("night watch").first().waitFor();
  });

  test("taking over a group with other members asks first", async () => {
    await page.getByRole("button", { name: "New rotation" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).fill("weekend");
    await choose(page, "Slack user group", "weekend", /^@weekend/);
    await choose(page, "Schedules", "Payments primary");
    await dialog().getByRole("button", { name: "Create" }).click();
    await dialog().getByText("Otto Outsider").first().waitFor();
    await shot(page, "taking-over-a-group");
    await dialog().getByRole("button", { name: "Yes, take it over" }).click();
    await dialog().waitFor({ state: "hidden" });
    await until("other members", async () => !(await world.group("weekend")).people.includes("otto"));
  });

  test("it is edited", async () => {
    await menu("weekend", "Edit");
    await page.getByRole("dialog").getByRole("textbox", { name: "Name", exact: true }).fill("weekend watch");
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("radio", { name: /Disable the group/ }).check();
    await shot(page, "edit-rotation");
    await dialog().getByRole("button", { name: "Save" }).click();
    await dialog().waitFor({ state: "hidden" });
    await home().getByText("weekend watch").first().waitFor();
  });

  test("it is paused, and goes on", async () => {
    await menu("weekend watch", "Pause");
    await home().getByText("paused: the group stays as it is").waitFor();
    await menu("weekend watch", "Resume");
    await home().getByText("paused: the group stays as it is").waitFor({ state: "hidden" });
  });

  test("it tells its history", async () => {
    await menu("weekend watch", "History");
    await dialog().getByText("adoption").first().waitFor();
    await shot(page, "history");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  test("it is deleted, and the group gets its former members back", async () => {
    await menu("weekend watch", "Delete");
    await dialog().getByRole("radio", { name: "Put its former members back" }).check();
    await shot(page, "delete-rotation");
    await dialog().getByRole("button", { name: "Delete" }).click();
    await dialog().waitFor({ state: "hidden" });
    await until("the former members", async () => (await world.group("weekend")).people.join() === "otto");
    await home().getByText("weekend watch").waitFor({ state: "hidden" });
  });

  test("somebody whom Slack does not know is named, and fixed", async () => {
    await page.getByRole("textbox", { name: "Who goes on call" }).fill("Kim Ode");
    await page.getByRole("combobox", { name: "Goes on call now in" }).selectOption({ label: "Payments primary" });
    await page.getByRole("button", { name: "Add" }).click();
    await home().getByText("Kim Ode").first().waitFor();
    await shot(page, "somebody-unknown");
    await home().getByRole("button", { name: "Fix" }).first().click();
    await choose(page, "Who is this in Slack?", "Otto", "Otto Outsider");
    await dialog().getByRole("button", { name: "Save" }).click();
    await dialog().getByText("from now on").waitFor();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await until("Otto in the group", async () => (await world.group("payments-oncall")).people.includes("otto"));
  });

  test("a reader without rights sees who is on call, and no buttons", async () => {
    await actAs(page, "Bo Tanaka");
    await page.getByRole("region", { name: "App home of Watchbill for Bo Tanaka" }).waitFor();
    await home().getByText("@payments-oncall").first().waitFor();
    assert.equal(await home().getByRole("button", { name: "New rotation" }).count(), 0);
    assert.equal(await home().getByRole("button", { name: /^More actions/ }).count(), 0);
    assert.equal(await home().getByRole("button", { name: /^Connect/ }).count(), 0);
    await shot(page, "app-home-of-a-reader");
  });

  test("a button that a reader forged is refused with whom to ask", async () => {
    const answer = await world.control("act", { person: "bo", view: "home", action_id: "rotation_new", block_id: "rotations", type: "button", forged: true });
    assert.equal(answer.acked, true);
    await dialog().getByText("Workspace Admin").or(dialog().getByText(/may|ask|allowed/)).first().waitFor();
    assert.equal(await dialog().getByRole("textbox").count(), 0);
    await shot(page, "refused");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  test("it is dark for those who like it so", async () => {
    const dark = await world.open({ colorScheme: "dark" });
    await openHome(dark);
    await shot(dark, "dark-app-home");
    await dark.getByRole("button", { name: "New rotation" }).click();
    await dark.getByRole("dialog").waitFor();
    await shot(dark, "dark-new-rotation");
    await dark.keyboard.press("Escape");
    await dark.context().close();
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
