// Every log of a folder of vectors: report, export, ranges, and that looking leaves the files alone.
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { normalise } from "./program.mjs";

// There is nothing to adopt of these.
const REFUSED = ["empty-home", "empty-log", "cr-only"];

// What a report may say otherwise of an adopted log: a fragment or a record without its LF stays in the
// old home, and copies at the seam of a segment that was cut are duplicates.
const OTHERWISE = {
  "torn-tail": ["ok", "unreadable"],
  "missing-final-newline": ["total"],
  "seam-duplicates": ["duplicates"],
  "seam-altered-copy": ["ok", "tampered", "duplicates"],
};

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

/** Every log of a folder of vectors, adopted and archived: the report is that of the old home. */
export function adopted(t, dir) {
  for (const name of readdirSync(dir).sort()) {
    const file = join(dir, name, "expected.json");
    if (!existsSync(file)) continue;
    const [old, home] = [t.freshHome(), t.freshHome()];
    const original = join(dir, name, "home");
    if (existsSync(original)) cpSync(original, old, { recursive: true });
    const want = REFUSED.includes(name) ? [6] : [0, 1]; // 1: adopted, and nobody can tell which log to archive
    const p = t.program.adopt(home, old);
    t.checks++;
    if (!want.includes(p.status)) t.fail(`adopted ${name}`, home, `exit ${p.status} ${String(p.stderr).slice(0, 300)}`);
    if (p.status !== 6) sameReport(t, name, home, JSON.parse(readFileSync(file)).upstream_new);
  }
}

/** Positions stay, as what the adoption chains comes after them; files and lines are those of the segments. */
function sameReport(t, name, home, expected) {
  t.checks++;
  const { report, crashed } = t.program.verify(home);
  if (crashed) return t.fail(`adopted ${name}: no report`, home, crashed);
  if (expected.tamperedIndices === undefined && !expected.ok) {
    if (report.ok) t.fail(`adopted ${name}: the existing verifier gives up here, ours passes`, home, "");
    return;
  }
  const want = normalise(expected);
  if (report.total <= want.total && !OTHERWISE[name]?.includes("total"))
    t.fail(`adopted ${name}: total`, home, `${report.total}, of the old home ${want.total}`);
  const positions = (list) => list?.map((u) => u.split("@")[1]);
  for (const r of [report, want]) Object.assign(r, { total: 0, unreadable: positions(r.unreadable) });
  for (const [what, value] of Object.entries(want)) {
    const got = report[what];
    const known = OTHERWISE[name]?.includes(what);
    if (got !== undefined && value !== undefined && !isDeepStrictEqual(got, value) && !known)
      t.fail(`adopted ${name}: ${what}`, home, `ours ${JSON.stringify(got)}  of the old home ${JSON.stringify(value)}`);
  }
}
