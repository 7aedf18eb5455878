// Without a mouse, and for those who listen instead of looking.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, shot, until } from "./world.mjs";

describe("the keyboard alone", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    page = await world.open();
  });
  after(() => world.stop());

  const focused = () => page.evaluate(() => {
    const active = document.activeElement;
    return active.getAttribute("aria-label") ?? active.textContent;
  });
  /// Presses Tab until what has the focus is called so.
  const tabTo = async (name) => {
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press("Tab");
      if ((await focused())?.includes(name)) return;
    }
    assert.fail(`${name} cannot be reached with Tab`);
  };

  test("the first stop skips to the workspace", async () => {
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the workspace");
  });

  test("a channel is opened with the arrow keys, and a command completed and sent", async () => {
    await tabTo("#");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    const name = await focused();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: name.replace(/\d+$/, "") }).waitFor();
    await tabTo("Message or command");
    await page.keyboard.type("/onc");
    await page.keyboard.press("Tab");
    assert.equal(await page.locator("#composer").inputValue(), "/oncall ");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
    await page.locator(".message.ephemeral").first().waitFor();
    await shot(page, "command");
  });

  test("a form is opened, filled, refused and left", async () => {
    await page.locator("#place-people").focus();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator(".home-blocks").waitFor();
    await tabTo("New rotation");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await until("the focus in the first field", async () => page.evaluate(() => document.activeElement.tagName === "INPUT"));
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Tab");
    await page.keyboard.type("keyboard");
    await page.locator(".combo-list:not([hidden])").getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("listbox", { name: "Slack user group" }).waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.locator(".wrong .field-error").first().waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    assert.equal(await focused(), "New rotation");
  });

  test("tabs beside the workspace are changed with the arrow keys", async () => {
    await page.getByRole("tab", { name: "Scheduling systems" }).focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "What Watchbill did");
    await page.getByRole("tabpanel", { name: "What Watchbill did" }).waitFor();
  });

  test("everything that can be used has a name", async () => {
    const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select, textarea, a[href]")]
      .filter((node) => !(node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent ?? node.textContent).trim())
      .map((node) => node.outerHTML.slice(0, 120)));
    assert.deepEqual(nameless, []);
    for (const role of ["banner", "navigation", "main", "complementary"]) assert.equal(await page.getByRole(role).count(), 1, role);
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
