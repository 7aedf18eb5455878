// All browser tests, one after the other: node tests/browser/run.mjs [PART-OF-A-NAME...]
import { readdirSync } from "node:fs";

const wanted = process.argv.slice(2);
const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".test.mjs")).sort();
for (const file of files) {
  if (!wanted.length || wanted.some((part) => file.includes(part))) await import(`./${file}`);
}
