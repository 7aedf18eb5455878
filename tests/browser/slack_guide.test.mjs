// The screens of docs/slack.md, as an editor sees them; pictures of each in build/screens/slack-*.png.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { World, choose, openHome } from "./world.mjs";

const screens = fileURLToPath(new URL("../../build/screens", import.meta.url));
const PEOPLE = `people:
  - {key: admin, name: Workspace Admin, email: admin@example.com, slack: {admin: true, owner: true}, pagerduty: false}
`;

/// Only the app's own part of the page.
async function picture(locator, name) {
  mkdirSync(screens, { recursive: true });
  await locator.screenshot({ path: path.join(screens, `slack-${name}.png`), animations: "disabled" });
}

const home = (page) => page.locator(".home-blocks");
/// The home tab, with some air around it.
async function homePicture(page, name) {
  await home(page).evaluate((element) => Object.assign(element.style, { padding: "12px" }));
  await picture(home(page), name);
}
const dialog = (page) => page.getByRole("dialog");
const menu = async (page, what, item) => {
  await home(page).getByRole("button", { name: new RegExp(`More actions:.*${what}`) }).click();
  await page.getByRole("menuitem", { name: item }).click();
};

describe("the app before anything is connected", () => {
  let world;
  let page;
  const folder = mkdtempSync(path.join(tmpdir(), "watchbill-guide-"));
  before(async () => {
    const scenario = path.join(folder, "empty.yaml");
    writeFileSync(scenario, PEOPLE);
    world = await World.start(["--scenario", scenario]);
    page = await world.open({ viewport: { width: 1440, height: 1200 } });
    await openHome(page);
  });
  after(async () => {
    await world.stop();
    rmSync(folder, { recursive: true });
  });

  test("it says where to begin", async () => {
    for (const system of ["opsgenie", "pagerduty", "xmatters"]) {
      await menu(page, system, "Disconnect");
      await dialog(page).getByRole("button", { name: "Disconnect", exact: true }).click();
      await dialog(page).waitFor({ state: "hidden" });
    }
    await home(page).getByText("None is connected yet. Begin here").waitFor();
    await home(page).getByText("There are no rotations yet.").waitFor();
    await homePicture(page, "home-empty");
  });
});

describe("the screens of the guide", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    await world.control("group", { handle: "weekend", name: "Weekend", people: ["otto"], default_channels: ["payments"], by: "bo" });
    page = await world.open({ viewport: { width: 1440, height: 1200 } });
    await openHome(page);
  });
  after(() => world.stop());

  test("the home tab", async () => {
    for (const rotation of ["database", "payments", "platform"]) await home(page).getByText(rotation, { exact: true }).first().waitFor();
    await home(page).getByText("in sync").first().waitFor();
    await homePicture(page, "home");
  });

  test("a new rotation, and the group it takes over", async () => {
    await page.getByRole("button", { name: "New rotation" }).click();
    await dialog(page).getByRole("textbox", { name: "Name", exact: true }).fill("weekend");
    await choose(page, "Slack user group", "weekend", /^@weekend/);
    await choose(page, "Schedules", "Payments primary");
    await picture(dialog(page), "new-rotation");
    await page.getByRole("button", { name: "Show more" }).click();
    await dialog(page).getByText("Preview", { exact: true }).waitFor();
    await dialog(page).getByRole("button", { name: "Create" }).click();
    await dialog(page).getByText("Goes:").waitFor();
    await dialog(page).getByText("Otto Outsider").waitFor();
    await picture(dialog(page), "take-over");
    await dialog(page).getByRole("button", { name: "Yes, take it over" }).click();
    await dialog(page).waitFor({ state: "hidden" });
    await home(page).getByText("weekend").first().waitFor();
  });

  test("connecting PagerDuty in the browser, and saying whose account it is", async () => {
    await page.getByRole("button", { name: "Connect PagerDuty" }).click();
    await dialog(page).getByText("Open PagerDuty").waitFor();
    await picture(dialog(page), "connect-pagerduty");
    const modal = (await world.control("modals", { person: "admin" })).modals.at(-1).view;
    const block = modal.blocks.find((one) => one.accessory?.action_id === "open_browser");
    await world.control("act", { person: "admin", view: modal.id, block_id: block.block_id, action_id: "open_browser" });
    const browser = await world.browser.newContext({ viewport: { width: 720, height: 420 } });
    const tab = await browser.newPage();
    await tab.goto(block.accessory.url);
    await tab.getByText("asked Watchbill to connect PagerDuty").waitFor();
    await picture(tab, "oauth-start");
    await tab.getByRole("button", { name: "Go on to PagerDuty" }).click();
    await tab.getByRole("button", { name: "Accept" }).click();
    await tab.getByText("One more step, in Slack").waitFor();
    await browser.close();
    await dialog(page).getByText("Is this the account?").waitFor();
    await picture(dialog(page), "account");
    await dialog(page).getByRole("button", { name: "Yes, use it" }).click();
    await dialog(page).getByText("is connected").waitFor();
    await page.keyboard.press("Escape");
  });

  test("what needs attention, and somebody who is not found in Slack", async () => {
    await world.control("person", { key: "kim", name: "Kim Ode", email: "kim@work.example.com", slack: false });
    await world.control("override", { system: "pagerduty", schedule: "PSCHED1", person: "kim", start: 0, seconds: 600 });
    await home(page).getByRole("button", { name: "Fix" }).waitFor();
    await home(page).getByText("Kim Ode is on call but cannot be in @payments-oncall").waitFor();
    await homePicture(page, "needs-attention");
    await home(page).getByRole("button", { name: "Fix" }).click();
    await dialog(page).getByText("Who is this in Slack?").waitFor();
    await picture(dialog(page), "fix-a-person");
  });
});
