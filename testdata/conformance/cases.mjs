// The cases. Each takes the harness; the seeded ones also a source of chance and its seed.
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { aside } from "./program.mjs";
import { jsonl, live, referenceAppend } from "./harness.mjs";
import * as F from "./fuzzdata.mjs";
import * as M from "./mutate.mjs";
import * as R from "./reference.mjs";

const eventsOf = (make, r, n) => make(r, n, "2020-01-01", "2026-12-31").map(({ ts, ...event }) => event);
const anyEvents = (r, n) => eventsOf(r.int(3) ? F.nastyEvents : F.realistic, r, n);

/** run once for each seed */
export const seeded = {
  "ref-to-ours"(t, r, seed) {
    const home = t.freshHome();
    referenceAppend(home, anyEvents(r, 1 + r.int(25)));
    t.compare(`ref-to-ours seed ${seed}`, home, R.verify(home));
    rmSync(home, { recursive: true });
  },

  "ours-to-ref"(t, r, seed) {
    const what = `ours-to-ref seed ${seed}`;
    const home = t.freshHome();
    const events = anyEvents(r, 1 + r.int(25));
    if (!t.append(what, home, events)) return;
    t.checkLines(what, home, events);
    t.checks++;
    const v = R.verify(home);
    if (!v.ok || v.total !== events.length || v.forkIndices.length)
      t.fail(`${what}: the reference refuses what we wrote`, home, JSON.stringify(v));
    rmSync(home, { recursive: true });
  },

  mixed(t, r, seed) {
    const what = `mixed seed ${seed}`;
    const home = t.freshHome();
    const all = [];
    for (let turn = 0; turn < 4; turn++) {
      const events = anyEvents(r, 1 + r.int(6));
      if (turn % 2 === 0) referenceAppend(home, events);
      else if (!t.append(what, home, events)) return;
      all.push(...events);
    }
    t.checkLines(what, home, all);
    t.compare(what, home, R.verify(home));
    rmSync(home, { recursive: true });
  },

  damage(t, r, seed) {
    const home = t.freshHome();
    const lines = [];
    let prev = R.ZERO;
    const make = r.int(2) ? F.realistic : F.nastyEvents;
    for (const e of make(r, 3 + r.int(28), "2022-01-01", "2026-12-31")) {
      const rec = R.seal(prev, e);
      lines.push(JSON.stringify(rec));
      prev = rec.hash;
    }
    const log = { live: lines, segs: {}, tail: "\n", eol: "\n" };
    for (let k = r.int(3); k > 0; k--) M.DAMAGE.split(r, log);
    const done = [];
    for (let k = 1 + r.int(4); k > 0; k--) {
      const name = r.pick(Object.keys(M.DAMAGE));
      M.DAMAGE[name](r, log);
      done.push(name);
    }
    M.save(home, log);
    t.compare(`damage seed ${seed} (${done.join("+")})`, home, R.verify(home));
    rmSync(home, { recursive: true });
  },

  export(t, r, seed) {
    const home = t.freshHome();
    referenceAppend(home, anyEvents(r, 2 + r.int(20)));
    t.checks++;
    const want = R.exportJsonl(home)
      .map((rec) => R.lineOf(rec))
      .join("");
    const p = t.program.export(home);
    if (p.status !== 0 || p.stdout.toString("utf8") !== want) {
      const sizes = `${p.stdout.length} bytes, expected ${Buffer.byteLength(want)}`;
      t.fail(`export seed ${seed}`, home, `exit ${p.status}, ${sizes}; ${String(p.stderr).slice(0, 200)}`);
    }
    rmSync(home, { recursive: true });
  },
};

/** run once */
export const single = {
  /** Many odd payloads in one log each way: nothing may be altered, nothing may need the value lens. */
  payloads(t, { seed, payloads }) {
    for (const side of ["ours", "the reference"]) {
      const what = `payloads written by ${side}`;
      const home = t.freshHome();
      const events = eventsOf(F.nastyEvents, F.rng(seed * 104729 + side.length), payloads);
      if (side !== "ours") referenceAppend(home, events);
      else if (!t.append(what, home, events)) return;
      t.checkLines(what, home, events);
      t.compare(what, home, R.verify(home));
      t.checks++;
      const { classes = [] } = t.program.verify(home);
      if (classes.includes("re-encoded")) t.fail(`${what}: not canonical to our scanner`, home, classes.join());
      rmSync(home, { recursive: true });
    }
  },

  /** multi-byte characters across read borders of 64 KiB, 1 MiB and 4 MiB, and one very long line */
  big(t, { seed }) {
    const home = t.freshHome();
    const r = F.rng(seed);
    const lines = [];
    let prev = R.ZERO;
    for (let i = 0, bytes = 0; bytes < 5 << 20; i++) {
      const text = "a".repeat(i % 7) + "é日🚀\u2028".repeat(i === 40 ? 150000 : 300 + r.int(900));
      const rec = R.seal(prev, { ts: new Date(1.7e12 + i).toISOString(), event: "x", payload: { text } });
      lines.push(R.lineOf(rec));
      bytes += Buffer.byteLength(lines.at(-1));
      prev = rec.hash;
    }
    writeFileSync(live(home), lines.join(""));
    t.compare("big", home, R.verify(home));
    t.append("big", home, [{ event: "x", payload: { after: 1 } }]);
    t.compare("big, appended to", home, R.verify(home));
    rmSync(home, { recursive: true });
  },

  /** our processes and Node writers at once on one log: the lock protocol */
  async concurrent(t, { each }) {
    const home = t.freshHome();
    const nodewriter = join(dirname(fileURLToPath(import.meta.url)), "nodewriter.mjs");
    const input = (writer) =>
      jsonl(Array.from({ length: each }, (_, i) => ({ event: "race", payload: { writer, i } })));
    const jobs = [];
    for (let w = 0; w < 4; w++) {
      jobs.push(t.program.appendAside(home, input("ours" + w)));
      jobs.push(aside(process.execPath, [nodewriter, home], input("node" + w)));
    }
    const results = await Promise.all(jobs);
    t.checks++;
    const v = R.verify(home);
    const broken = results.filter((x) => x.status !== 0).map((x) => x.stderr.slice(0, 200));
    if (broken.length || !v.ok || v.forkIndices.length || v.total !== jobs.length * each)
      t.fail("concurrent", home, JSON.stringify({ broken, v }));
    rmSync(home, { recursive: true });
  },
};
