// Connecting Opsgenie in the app home, with a wrong key and with the right one.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, openHome, shot } from "./world.mjs";

describe("connecting Opsgenie", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    page = await world.open();
    await openHome(page);
  });
  after(() => world.stop());
  const dialog = () => page.getByRole("dialog");

  test("a wrong key is refused at its field", async () => {
    await page.getByRole("button", { name: "Connect Opsgenie" }).click();
    const name = dialog().getByRole("textbox", { name: "Name of the connection" });
    await name.fill("second-team");
    await dialog().getByRole("textbox", { name: "API key" }).fill("not-the-key");
    await dialog().locator("button[type=submit]").click();
    await dialog().locator(".wrong .field-error, .block-section:has-text('refuses')").first().waitFor();
    assert.equal(await name.inputValue(), "second-team");
    await shot(page, "connect-opsgenie-refused");
  });

  test("the right key connects it", async () => {
    await dialog().getByRole("textbox", { name: "API key" }).fill(world.ready.keys.opsgenie);
    await dialog().locator("button[type=submit]").click();
    await page.locator(".home-blocks").getByText("second-team").first().waitFor({ state: "attached" });
    if (await dialog().isVisible()) await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await page.locator(".home-blocks").getByText("second-team").first().waitFor();
    assert.ok(!(await page.content()).includes(world.ready.keys.opsgenie), "the key is not shown again");
    await shot(page, "connected");
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
