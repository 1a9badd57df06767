// An independent implementation of the record format: reads, verifies and writes logs as existing
// installs do. It shares no code with the program under test, nor with those installs.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const ZERO = "0".repeat(64);
const NAME = /^audit-(\d{4,})(?:-r([1-9]\d*))?\.jsonl$/;

/** hash of a record = SHA-256 over the UTF-8 JSON text of the five hashed members in this fixed order */
export const digest = (r) =>
  createHash("sha256")
    .update(JSON.stringify({ prev_hash: r.prev_hash, ts: r.ts, event: r.event, actor: r.actor, payload: r.payload }))
    .digest("hex");

export function seal(prev_hash, { ts, event, actor = "system", payload }) {
  const hash = digest({ prev_hash, ts, event, actor, payload });
  return { ts, event, actor, payload, prev_hash, hash };
}
export const lineOf = (rec) => JSON.stringify(rec) + "\n";

/** segment files in chain order, then the live log; only those that exist */
export function historyFiles(home) {
  const dir = join(home, "audit-archive");
  const list = existsSync(dir) ? readdirSync(dir).filter((n) => NAME.test(n)) : [];
  const key = (n) => {
    const m = NAME.exec(n);
    return Number(m[1]) * 1e6 + (m[2] ? Number(m[2]) : 0);
  };
  const files = list.sort((a, b) => key(a) - key(b)).map((n) => ({ label: n, path: join(dir, n), live: false }));
  const live = join(home, "audit.log");
  if (existsSync(live)) files.push({ label: "audit.log", path: live, live: true });
  return files;
}

/** [{file, line, rec}] + unreadable lines, with the seam rule applied to the live log */
export function readHistory(home) {
  const records = [],
    unreadable = [];
  let lastSegment = new Set();
  for (const f of historyFiles(home)) {
    const mine = [],
      bad = [];
    readFileSync(f.path, "utf8")
      .split("\n")
      .forEach((text, i) => {
        if (text === "") return;
        try {
          mine.push({ file: f.label, line: i + 1, rec: JSON.parse(text) });
        } catch {
          bad.push({ file: f.label, line: i + 1, after: mine.length });
        }
      });
    let skip = 0;
    if (f.live) while (skip < mine.length && lastSegment.has(mine[skip].rec.hash)) skip++;
    else lastSegment = new Set(mine.map((m) => m.rec.hash));
    for (const b of bad)
      unreadable.push({ file: b.file, line: b.line, beforeIndex: records.length + Math.max(0, b.after - skip) });
    for (const m of mine.slice(skip)) records.push(m);
  }
  return { records, unreadable };
}

/** the report that existing verifiers give; breakReason is only a class word here */
export function verify(home) {
  let h;
  const broken = (e) => ({ ok: false, total: 0, breakAtIndex: null, breakReason: e.message });
  try {
    h = readHistory(home);
  } catch (e) {
    return broken(e);
  }
  const altered = [],
    orphan = [],
    fork = [],
    dup = [],
    bindings = new Map(),
    acks = [];
  const known = new Set([ZERO]);
  let head = ZERO;
  try {
    h.records.forEach(({ rec }, i) => {
      const actual = digest(rec);
      const intact = actual === rec.hash;
      if (!intact) altered.push({ i, claimed: rec.hash, actual });
      if (rec.event === "audit.redact") {
        const p = rec.payload ?? {};
        acks[i] = { ts: rec.ts, actor: rec.actor, reason: String(p.reason ?? "") };
        if (intact && Array.isArray(p.redacted))
          for (const e of p.redacted)
            if (typeof e.hash === "string" && typeof e.content_hash === "string")
              bindings.set(e.hash, { to: e.content_hash, i });
      }
      if (known.has(rec.hash)) {
        dup.push(i);
        return;
      }
      if (rec.prev_hash !== head) (known.has(rec.prev_hash) ? fork : orphan).push(i);
      known.add(rec.hash);
      head = rec.hash;
    });
  } catch (e) {
    return broken(e);
  }
  const redacted = [],
    tampered = [],
    used = new Map();
  for (const a of altered) {
    const b = bindings.get(a.claimed);
    if (b && b.to === a.actual) {
      redacted.push(a.i);
      used.set(b.i, (used.get(b.i) ?? 0) + 1);
    } else tampered.push(a.i);
  }
  const u = h.unreadable;
  let at = null,
    why = null;
  if (tampered.length) {
    at = tampered[0];
    why = "altered";
  } else if (u.length) {
    at = u[0].beforeIndex;
    why = "unreadable";
  } else if (orphan.length) {
    at = orphan[0];
    why = "orphan";
  }
  return {
    ok: why === null,
    total: h.records.length,
    breakAtIndex: at,
    breakReason: why,
    tamperedIndices: tampered,
    orphanIndices: orphan,
    forkIndices: fork,
    duplicateIndices: dup,
    acknowledgements: [...used]
      .sort((x, y) => x[0] - y[0])
      .map(([index, records]) => ({ index, ...acks[index], records })),
    unreadable: u,
    redactedIndices: redacted,
  };
}

export function exportJsonl(home, since, until) {
  const { records, unreadable } = readHistory(home);
  if (unreadable.length) throw new Error(`unreadable line ${unreadable[0].file}:${unreadable[0].line}`);
  return records.map((x) => x.rec).filter((r) => !(since && r.ts < since) && !(until && r.ts > until));
}
