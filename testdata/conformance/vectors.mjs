// Every log of a folder of vectors: report, export, ranges, and that looking leaves the files alone.
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

export function vectors(t, dir) {
  for (const name of readdirSync(dir).sort()) {
    const file = join(dir, name, "expected.json");
    if (existsSync(file)) vector(t, `vector ${name}`, join(dir, name, "home"), JSON.parse(readFileSync(file)));
  }
}

function vector(t, what, original, expected) {
  const home = t.freshHome();
  if (existsSync(original)) cpSync(original, home, { recursive: true });
  t.compare(what, home, expected.upstream_new);
  if (expected.export.jsonl_sha256) {
    t.checks++;
    const p = t.program.export(home);
    if (sha256(p.stdout) !== expected.export.jsonl_sha256)
      t.fail(`${what}: export`, home, `exit ${p.status}, ${p.stdout.length} bytes`);
  }
  for (const { since, until, count } of expected.ranges ?? []) {
    t.checks++;
    const p = t.program.export(home, since ?? undefined, until ?? undefined);
    const got = String(p.stdout).split("\n").filter(Boolean).length;
    if (got !== count) t.fail(`${what}: range ${since}..${until}`, home, `${got} records, expected ${count}`);
  }
  for (const [rel, { sha256: want }] of Object.entries(expected.files)) {
    t.checks++;
    if (sha256(readFileSync(join(home, rel))) !== want) t.fail(`${what}: looking changed ${rel}`, home, "");
  }
}
