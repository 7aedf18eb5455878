// How fast the sandbox and its page are, with the targets beside: node tests/browser/measure.mjs (./dev bench page).
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { World, bin, until } from "./world.mjs";

const STARTS = 7;
const CHANGES = 40;
const SCROLL_MS = 3000;

const row = (what, figure, target) => console.log(`${what.padEnd(74)} ${figure.padEnd(34)} ${target}`);
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const figures = (all, unit) => `median ${median(all).toFixed(0)} ${unit}, most ${Math.max(...all).toFixed(0)} ${unit}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// VmRSS of a process in MB.
function memory(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

async function startTime() {
  const began = performance.now();
  const child = spawn(`${bin}/watchbill`, ["sandbox"], { stdio: ["ignore", "pipe", "inherit"] });
  await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const took = performance.now() - began;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
  return took;
}

/// From the beginning of the navigation until channels, groups, a channel and the schedules are drawn.
async function usableAfter(world) {
  const page = await world.open();
  await page.waitForFunction(() => window.usable);
  const took = await page.evaluate(() => window.usable);
  await page.context().close();
  return took;
}

function watchForUsable() {
  const look = () => {
    if (!window.usable && [".channel-name", ".group", ".composer-input", ".schedule"].every((one) => document.querySelector(one))) window.usable = performance.now();
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

/// From the request that changes the workspace until the frame in which it is drawn.
async function changeToScreen(world, page, channel) {
  const all = [];
  for (let i = 0; i < CHANGES; ++i) {
    const text = `change number ${i} of these`;
    const drawn = page.evaluate((wanted) => new Promise((resolve) => {
      const list = document.querySelector(".messages");
      new MutationObserver((_, self) => {
        if (!list.lastElementChild.textContent.includes(wanted)) return;
        self.disconnect();
        requestAnimationFrame(() => resolve(Date.now()));
      }).observe(list, { childList: true, subtree: true });
    }), text);
    await pause(100);
    const began = Date.now();
    await world.control("message", { channel, person: "ada", text });
    all.push((await drawn) - began);
  }
  return all;
}

/// The longest time between two frames while lists are scrolled and the workspace changes.
async function longestFrame(world, page, channel) {
  const frames = page.evaluate((ms) => new Promise((resolve) => {
    const groups = document.querySelector(".window.groups");
    const messages = document.querySelector(".messages-box");
    const gaps = [];
    const began = performance.now();
    let last = began;
    const step = (now) => {
      gaps.push(now - last);
      last = now;
      groups.scrollTop += 37;
      messages.scrollTop -= 23;
      if (now - began < ms) requestAnimationFrame(step);
      else resolve(gaps.slice(1));
    };
    requestAnimationFrame(step);
  }), SCROLL_MS);
  for (let i = 0; i < 10; ++i) {
    await world.control("message", { channel, person: "bo", text: `while it scrolls ${i}` });
    await pause(SCROLL_MS / 12);
  }
  return frames;
}

async function measure(world, what) {
  const usable = [];
  for (let i = 0; i < STARTS; ++i) usable.push(await usableAfter(world));
  row(`${what}: page usable after opening`, figures(usable, "ms"), "<= 300 ms");
  const page = await world.open();
  row(`${what}: change to screen`, figures(await changeToScreen(world, page, "payments"), "ms"), "<= 100 ms");
  row(`${what}: time between frames while scrolling`, figures(await longestFrame(world, page, "payments"), "ms"), "fluid");
  row(`${what}: memory of the sandbox`, `${memory(world.process.pid).toFixed(0)} MB`, "<= 60 MB");
  await page.context().close();
}

const starts = [];
for (let i = 0; i < STARTS; ++i) starts.push(await startTime());
row("start of the sandbox until its line is printed", figures(starts, "ms"), "<= 200 ms");
const world = await World.start([], {}, watchForUsable);
try {
  await until("the first handoffs", async () => (await world.control("messages", { channel: "payments" })).messages.length > 1);
  await measure(world, "demo");
  await world.control("bulk", { groups: 500, people: 2000, schedules: { pagerduty: 60, opsgenie: 0, xmatters: 0 }, people_per_schedule: 3, shift_seconds: 30, boundary_at: 20, channels: 30 });
  for (let i = 0; i < 5000; ++i) await world.control("message", { channel: "payments", person: "bo", text: `message ${i}: *bold*, \`code\` and <@U0ADA>` });
  await measure(world, "500 groups, 2,000 people, 5,000 messages");
} finally {
  await world.stop();
}
