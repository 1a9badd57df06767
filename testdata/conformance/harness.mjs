// Counting checks, keeping the homes of failed ones, and comparing reports.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as R from "./reference.mjs";
import { normalise } from "./program.mjs";

const SHOWN = 25; // failures printed and kept; the rest is counted

export class Harness {
  checks = 0;
  failures = 0;
  stricter = 0;
  #homes = 0;

  /** options: exitCodes, strictOk, listStricter, keep */
  constructor(program, options) {
    this.program = program;
    this.options = options;
    this.tmp = mkdtempSync(join(tmpdir(), "opscontext-conformance-"));
    process.env.XDG_STATE_HOME = join(this.tmp, "state"); // what this machine remembers must not leak in
  }

  freshHome() {
    const home = join(this.tmp, "home" + this.#homes++);
    mkdirSync(home, { recursive: true });
    return home;
  }

  done() {
    rmSync(this.tmp, { recursive: true, force: true });
  }

  fail(what, home, detail) {
    this.failures++;
    if (this.failures > SHOWN) return;
    const kept = join(this.options.keep, `${process.pid}-${this.failures}`);
    cpSync(home, kept, { recursive: true });
    console.log(`FAIL ${what}\n     ${String(detail).slice(0, 700)}\n     home kept in ${kept}`);
  }

  /**
   * Compares our report with the reference's. On input that the existing verifier gives up on, ours
   * must only not crash and not pass.
   */
  compare(what, home, expected) {
    this.checks++;
    const { report, exit, crashed } = this.program.verify(home);
    if (crashed) return this.fail(`${what}: no report`, home, crashed);
    if (this.options.exitCodes && (![0, 3, 5].includes(exit) || (!report.ok && exit === 0)))
      this.fail(`${what}: exit code`, home, `ok ${report.ok}, exit ${exit}`);
    if (expected.tamperedIndices === undefined && !expected.ok) {
      if (report.ok)
        this.fail(`${what}: the existing verifier gives up here, ours passes`, home, JSON.stringify(report));
      return;
    }
    for (const [name, want] of Object.entries(normalise(expected))) {
      const got = report[name];
      if (got === undefined || want === undefined || isDeepStrictEqual(got, want)) continue;
      if (name === "ok" && want) {
        this.stricter++;
        if (this.options.listStricter) console.log("STRICTER " + what);
        if (!this.options.strictOk) continue;
      }
      return this.fail(`${what}: ${name}`, home, `ours ${JSON.stringify(got)}  expected ${JSON.stringify(want)}`);
    }
  }

  /** has the program append the events; says whether it did */
  append(what, home, events) {
    const p = this.program.append(home, jsonl(events));
    if (p.status !== 0) this.fail(`${what}: append`, home, `exit ${p.status} ${String(p.stderr).slice(0, 300)}`);
    return p.status === 0;
  }

  /** The live log must hold the events, each line byte for byte what JSON.stringify gives back. */
  checkLines(what, home, events) {
    this.checks++;
    const lines = readFileSync(live(home), "utf8").split("\n");
    if (lines.pop() !== "") return this.fail(`${what}: no final newline`, home, "");
    if (lines.length !== events.length)
      return this.fail(`${what}: count`, home, `${lines.length} lines, expected ${events.length}`);
    for (const [i, line] of lines.entries()) {
      const problem = lineProblem(line, events[i]);
      if (problem) return this.fail(`${what}: line ${i + 1}: ${problem[0]}`, home, problem[1]);
    }
  }
}

function lineProblem(line, event) {
  const clip = (s) => s.slice(0, 300);
  let rec;
  try {
    rec = JSON.parse(line);
  } catch {
    return ["not JSON", clip(line)];
  }
  if (JSON.stringify(rec) !== line)
    return ["bytes differ from JSON.stringify", `ours ${clip(line)}\n     js   ${clip(JSON.stringify(rec))}`];
  if (Object.keys(rec).join() !== "ts,event,actor,payload,prev_hash,hash") return ["members", Object.keys(rec).join()];
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(rec.ts)) return ["form of ts", rec.ts];
  const got = JSON.stringify([rec.event, rec.actor, rec.payload]);
  const want = JSON.stringify([event.event, event.actor ?? "system", event.payload]);
  if (got !== want) return ["values", `ours ${clip(got)}\n     in   ${clip(want)}`];
  if (R.digest(rec) !== rec.hash) return ["hash", clip(line)];
  return null;
}

export const live = (home) => join(home, "audit.log");
export const jsonl = (events) => events.map((e) => JSON.stringify(e) + "\n").join("");

/** appends the events as an existing writer would, without its locks */
export function referenceAppend(home, events) {
  let log = existsSync(live(home)) ? readFileSync(live(home), "utf8") : "";
  let prev = log ? JSON.parse(log.trimEnd().split("\n").at(-1)).hash : R.ZERO;
  const lines = [];
  for (const e of events) {
    const rec = R.seal(prev, { ts: new Date().toISOString(), ...e });
    lines.push(R.lineOf(rec));
    prev = rec.hash;
  }
  writeFileSync(live(home), log + lines.join(""));
}
