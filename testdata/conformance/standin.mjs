#!/usr/bin/env node
// Stands in for the program when the harness itself is tested. BUG=html|u2028|nofork plants a
// mistake that a Go program is likely to make; the harness must then fail.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { lockedAppend } from "./lockedappend.mjs";
import * as R from "./reference.mjs";

const [, home, verb, ...rest] = process.argv.slice(2); // --home HOME verb …
const after = (flag) => (rest.includes(flag) ? rest[rest.indexOf(flag) + 1] : undefined);

function spell(rec) {
  switch (process.env.BUG) {
    case "html": // encoding/json's escapes
      return R.lineOf(rec).replace(/[<>&]/g, (c) => "\\u00" + c.charCodeAt(0).toString(16));
    case "u2028": {
      const { prev_hash, ts, event, actor, payload } = rec;
      const hashed = JSON.stringify({ prev_hash, ts, event, actor, payload }).replaceAll("\u2028", "\\u2028");
      return R.lineOf({ ...rec, hash: createHash("sha256").update(hashed).digest("hex") });
    }
    default:
      return R.lineOf(rec);
  }
}

switch (verb) {
  case "append":
    mkdirSync(home, { recursive: true });
    for (const line of readFileSync(0, "utf8").split("\n")) if (line) lockedAppend(home, JSON.parse(line), spell);
    break;
  case "audit_verify": {
    const report = R.verify(home);
    if (process.env.BUG === "nofork") report.forkIndices = [];
    console.log(JSON.stringify(report));
    process.exitCode = report.ok ? 0 : 3;
    break;
  }
  case "export":
    process.stdout.write(
      R.exportJsonl(home, after("--since"), after("--until"))
        .map((rec) => R.lineOf(rec))
        .join(""),
    );
    break;
  default:
    process.exitCode = 64;
}
