// `watchbill sandbox --servers-only` as a process, for clients that somebody else wrote.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import path from "node:path";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const bin = path.resolve(process.env.WATCHBILL_BIN ?? path.join(root, "build/bin"));

export class Sandbox {
  static async start(...flags) {
    const sandbox = new Sandbox();
    sandbox.process = spawn(path.join(bin, "watchbill"), ["sandbox", "--servers-only", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: sandbox.process.stdout });
    sandbox.ready = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
    return sandbox;
  }

  async control(name, fields = {}) {
    const answer = await fetch(`${this.ready.control}/_control`, { method: "POST", body: JSON.stringify({ do: name, ...fields }) });
    const result = await answer.json();
    if (!result.ok) throw new Error(`${name}: ${result.error}`);
    return result;
  }

  stop() {
    this.process.kill("SIGTERM");
  }
}

/// Waits for `condition()` and gives its value; the limit only ends a test that has failed.
export async function until(what, condition, milliseconds = 10_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
