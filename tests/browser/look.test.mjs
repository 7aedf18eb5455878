// Dark and light, narrow and wide, empty and very full.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { World, shot, until } from "./world.mjs";

const GROUPS = 500;
const PEOPLE = 2000;
const MESSAGES = 5000;
const READ_BACK = 500;

/// Contrast of text and what is behind it, as WCAG counts it.
const contrast = (page, selector) => page.locator(selector).first().evaluate((node) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => rgb(colour).slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = node;
  while (behind.parentElement && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const [a, b] = [light(getComputedStyle(node).color), light(getComputedStyle(behind).backgroundColor)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
});

describe("dark mode", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start([], { colorScheme: "dark" });
    page = await world.open();
  });
  after(() => world.stop());

  test("everything is readable on a dark ground", async () => {
    await world.control("message", { channel: "payments", person: "ada", text: "good morning <@U0BO>" });
    await page.locator(".message .mention").first().waitFor();
    for (const selector of [".message-text", ".quiet", ".button.primary", ".place", ".badge", ".mention"]) {
      assert.ok((await contrast(page, selector)) >= 4.5, `${selector}: ${await contrast(page, selector)}`);
    }
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground, "rgb(20, 24, 26)");
    await shot(page, "dark-workspace");
  });

  test("a narrow window shows all of it, one below the other", async () => {
    const narrow = await world.open({ viewport: { width: 420, height: 900 }, colorScheme: "light" });
    const wide = await narrow.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 420, `nothing stands out to the side (${wide})`);
    await shot(narrow, "narrow");
    await narrow.context().close();
  });

  test("a window of middling width shows its three parts side by side, whatever people are called", async () => {
    await world.control("person", { key: "long", name: "Maximiliane-Alexandrina Freifrau von und zu Oberhalb-Niederlangenfeld", email: "long@example.com" });
    await world.control("override", { system: "pagerduty", schedule: "PSCHED1", person: "long", seconds: 300 });
    await world.control("group", { handle: "an-exceedingly-long-handle-of-a-user-group-oncall", people: ["long", "ada", "bo"] });
    const middling = await world.open({ viewport: { width: 1000, height: 760 }, colorScheme: "light" });
    const left = middling.getByRole("article", { name: "Payments primary" }).getByText(/, \d+ (s|min) left$/);
    await left.waitFor();
    const boxes = await Promise.all(["#top", "#nav", "#main", "#side"].map((part) => middling.locator(part).boundingBox()));
    const [top, nav, main, side] = boxes;
    assert.ok(top.y + top.height <= nav.y && nav.x + nav.width <= main.x && main.x + main.width <= side.x, JSON.stringify(boxes));
    assert.ok(side.x + side.width <= 1000 && main.width > 300, JSON.stringify(boxes));
    const end = await left.boundingBox();
    assert.ok(end.x + end.width <= side.x + side.width, "how long the shift lasts is not cut off by a long name");
    await shot(middling, "middling");
    await middling.context().close();
  });

  test("at 900 pixels the tour stands beside the workspace, and a menu stays inside its pane", async () => {
    const small = await world.open({ viewport: { width: 900, height: 760 }, colorScheme: "light" });
    const [nav, main, side, tour] = await Promise.all(["#nav", "#main", "#side", ".tour-card"].map((part) => small.locator(part).boundingBox()));
    assert.ok(nav.x + nav.width <= main.x && main.x + main.width <= side.x && side.x + side.width <= 900, JSON.stringify([nav, main, side]));
    assert.ok(main.width > 300 && tour.y + tour.height < 760, JSON.stringify([main, tour]));
    await small.locator("#place-app").click();
    await small.locator(".home-blocks .button.dots").last().waitFor();
    await small.locator(".home").evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await small.locator(".home-blocks .button.dots").last().click();
    const [menu, home] = await Promise.all([".menu:not([hidden])", ".home"].map((part) => small.locator(part).boundingBox()));
    assert.ok(menu.y >= home.y && menu.y + menu.height <= home.y + home.height && menu.x >= home.x, JSON.stringify([menu, home]));
    await shot(small, "small-home");
    await small.context().close();
  });

  test("times have 24 hours", async () => {
    const page = await world.open();
    await page.locator(".message time").first().waitFor();
    assert.ok(!/\d [AP]M\b/.test(await page.locator("body").innerText()));
    await page.context().close();
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});

describe("a large workspace", () => {
  let world;
  let page;
  before(async () => {
    world = await World.start();
    await world.control("bulk", { groups: GROUPS, people: PEOPLE, schedules: { pagerduty: 60, opsgenie: 0, xmatters: 0 }, people_per_schedule: 3, shift_seconds: 30, boundary_at: 20, channels: 30 });
    await world.control("group", { handle: "aaa-a-group-with-a-very-long-handle", name: "A group whose name is as long as names of groups are allowed to become",
      people: Array.from({ length: 12 }, (_, i) => `u${String(i).padStart(4, "0")}`) });
    for (let i = 0; i < MESSAGES; ++i) await world.control("message", { channel: "c0000", person: "u0001", text: `message ${i}: *bold*, \`code\` and <@U00002>` });
    for (let i = 0; i < READ_BACK; ++i) await world.control("message", { channel: "c0001", person: "u0001", text: `older ${i}:` });
    page = await world.open();
  });
  after(() => world.stop());

  test("only what is in sight is made into elements", async () => {
    await page.getByText("c0000").click();
    await page.getByText(`message ${MESSAGES - 1}:`).waitFor();
    const count = await page.evaluate(() => document.querySelectorAll("*").length);
    assert.ok(count < 4000, `${count} elements`);
    await shot(page, "large-workspace");
  });

  test("lists are filtered, scrolled to their end, and read back to the first message", async () => {
    await page.getByRole("searchbox", { name: "Filter groups" }).fill("g0499");
    await page.locator("[data-group=g0499]").waitFor();
    await page.getByRole("searchbox", { name: "Filter groups" }).fill("");
    await page.locator(".window.groups").evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await page.locator("[data-group=payments-oncall], [data-group=g0499]").first().waitFor();
    await page.locator("#place-people").click();
    await page.getByRole("searchbox", { name: "Find a person" }).fill("u1999");
    await page.getByText("@u1999").waitFor();
    await shot(page, "people");
    await page.getByText("c0001").click();
    await page.getByText(`older ${READ_BACK - 1}:`).waitFor();
    await until("the first message", async () => {
      await page.locator(".messages-box").evaluate((node) => node.scrollTo(0, 0));
      return page.getByText("older 0:").isVisible();
    });
    await until("the last one again", async () => {
      await page.locator(".messages-box").evaluate((node) => node.scrollTo(0, node.scrollHeight));
      return page.getByText(`older ${READ_BACK - 1}:`).isVisible();
    });
    await page.getByText("c0000").click();
  });

  test("a change is drawn at once", async () => {
    const drawn = page.evaluate(() => new Promise((resolve) => {
      const list = document.querySelector(".messages");
      new MutationObserver(() => list.textContent.includes("here it is") && resolve(true)).observe(list, { childList: true, subtree: true });
    }));
    await page.getByText(`message ${MESSAGES - 1}:`).waitFor();
    await world.control("message", { channel: "c0000", person: "u0002", text: "here it is" });
    assert.ok(await drawn);
  });

  test("an empty world says what is missing", async () => {
    await world.control("reset", { empty: true });
    await page.getByText("There are no schedules.").waitFor();
    await shot(page, "empty");
  });

  test("the page complained about nothing, and asked nobody else", () => assert.deepEqual(world.errors, []));
});
