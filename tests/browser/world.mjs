// A sandbox with its page and its own watchbilld, a headless Chromium, and pictures of what it shows.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const bin = path.resolve(process.env.WATCHBILL_BIN ?? path.join(root, "build/bin"));
const screens = path.join(root, "build/screens");
const CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const WIDE = { width: 1440, height: 900 };
/// Only ends a test that has failed: the machine may be busy.
const PATIENCE_MS = 60_000;

export class World {
  /// `flags` of `watchbill sandbox`; `options` of the browser's context; `script` runs in every page before its own.
  static async start(flags = [], options = {}, script = null) {
    const world = new World();
    world.process = spawn(path.join(bin, "watchbill"), ["sandbox", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: world.process.stdout });
    world.ready = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
    // The demo's minutes are for people.
    if (!flags.includes("--scenario")) await world.control("speed", { shift_seconds: 20 });
    world.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM_FLAGS });
    world.errors = [];
    world.options = options;
    world.script = script;
    return world;
  }

  /// A new page at the sandbox's address, ready to use. What it complains about is kept in `errors`.
  async open(options = {}) {
    const context = await this.browser.newContext({ viewport: WIDE, locale: "en-GB", timezoneId: "Europe/Berlin", ...this.options, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    if (this.script) await context.addInitScript(this.script);
    const page = await context.newPage();
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && this.errors.push(message.text()));
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.ready.page)) this.errors.push(`a request to ${request.url()}`);
    });
    await page.goto(this.ready.page);
    await page.locator("#place-app").waitFor();
    return page;
  }

  async control(name, fields = {}) {
    const answer = await fetch(`${this.ready.control}/_control`, { method: "POST", body: JSON.stringify({ do: name, ...fields }) });
    const result = await answer.json();
    if (!result.ok) throw new Error(`${name}: ${result.error}`);
    return result;
  }

  /// The group with that handle, or nothing.
  async group(handle) {
    return (await this.control("state", { only: ["groups"] })).groups.find((one) => one.handle === handle);
  }

  async stop() {
    await this.browser.close();
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }
}

/// Saves what the page shows as build/screens/NAME.png.
export async function shot(page, name) {
  mkdirSync(screens, { recursive: true });
  await page.screenshot({ path: path.join(screens, `${name}.png`) });
}

/// Waits for `condition()` and gives its value.
export async function until(what, condition, milliseconds = PATIENCE_MS) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function actAs(page, name) {
  const field = page.getByRole("combobox", { name: "Act as" });
  await field.click();
  await field.fill(name);
  await offered(page, name).click();
}

/// An option of the list that is open.
function offered(page, name) {
  return page.locator(".combo-list:not([hidden])").getByRole("option", { name }).first();
}

/// Opens the app home and waits until Watchbill has published it.
export async function openHome(page) {
  await page.locator("#place-app").click();
  await page.locator(".home-blocks").waitFor();
}

/// Types into a search field and takes the option with that text.
export async function choose(page, label, query, option = query) {
  const field = page.getByRole("combobox", { name: label });
  await field.click();
  await field.fill(query);
  await offered(page, option).click();
}
