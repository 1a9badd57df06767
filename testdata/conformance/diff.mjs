#!/usr/bin/env node
// Compares the program under test with an independent reference of the format. See README.md.
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seeded, single } from "./cases.mjs";
import { rng } from "./fuzzdata.mjs";
import { Harness } from "./harness.mjs";
import { Program } from "./program.mjs";
import { adopted, vectors } from "./vectors.mjs";

const { values: opt } = parseArgs({
  options: {
    bin: { type: "string", default: join(dirname(fileURLToPath(import.meta.url)), "standin.mjs") },
    n: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    payloads: { type: "string", default: "2000" },
    each: { type: "string", default: "40" },
    only: { type: "string", default: "" },
    vectors: { type: "string", default: "" },
    keep: { type: "string", default: join(tmpdir(), "opscontext-conformance-failed") },
    "exit-codes": { type: "boolean", default: false },
    "strict-ok": { type: "boolean", default: false },
    "list-stricter": { type: "boolean", default: false },
  },
});
const sizes = { seed: Number(opt.seed), payloads: Number(opt.payloads), each: Number(opt.each) };
const t = new Harness(new Program(opt.bin), {
  exitCodes: opt["exit-codes"],
  strictOk: opt["strict-ok"],
  listStricter: opt["list-stricter"],
  keep: opt.keep,
});

async function run(name, body) {
  if (opt.only && !opt.only.split(",").includes(name)) return;
  const [checks, failures] = [t.checks, t.failures];
  await body();
  console.log(`${name.padEnd(12)} ${t.checks - checks} checks, ${t.failures - failures} failures`);
}

for (const [name, body] of Object.entries(seeded))
  await run(name, () => {
    for (let s = sizes.seed; s < sizes.seed + Number(opt.n); s++) body(t, rng(s * 7919 + name.length), s);
  });
for (const [name, body] of Object.entries(single)) await run(name, () => body(t, sizes));
if (opt.vectors) await run("vectors", () => vectors(t, opt.vectors));
if (opt.vectors && !opt.bin.endsWith(".mjs")) await run("adopted", () => adopted(t, opt.vectors));

t.done();
console.log(`${t.checks} checks, ${t.failures} failures, ${t.stricter} places stricter than the reference`);
process.exit(t.failures ? 1 : 0);
