// The program under test: the one place that knows its command line and its report.
import { spawn, spawnSync } from "node:child_process";

const COMMANDS = {
  // JSONL {event, payload, actor?} on stdin; exit 0 when all are written
  append: (home) => ["--home", home, "append"],
  // one JSON report on stdout; exit 0 intact, 3 damage, 5 inconclusive
  verify: (home) => ["--home", home, "audit_verify", "--json"],
  // an old home into a new one, archived; exit 0 done, 6 refused
  adopt: (home, from) => ["--home", home, "adopt", "--from", from, "--apply"],
  // the history as JSONL, every record spelled as JSON.stringify spells it
  export: (home, since, until) => [
    "--home",
    home,
    "export",
    "--canonical",
    ...(since ? ["--since", since] : []),
    ...(until ? ["--until", until] : []),
  ],
};

/** The comparable part of a report, under one set of names. A member that is undefined is not compared. */
export function normalise(report) {
  const list = (x) => (x === undefined ? undefined : (x ?? []));
  return {
    ok: report.ok,
    total: report.total,
    tampered: list(report.tamperedIndices),
    orphans: list(report.orphanIndices),
    forks: list(report.forkIndices),
    duplicates: list(report.duplicateIndices),
    redacted: list(report.redactedIndices),
    unreadable: list(report.unreadable)?.map((u) => `${u.file}:${u.line}@${u.beforeIndex}`),
  };
}

export class Program {
  constructor(bin) {
    // a .mjs stands in for the program when the harness itself is tested
    [this.file, this.leading] = bin.endsWith(".mjs") ? [process.execPath, [bin]] : [bin, []];
  }

  #run(args, input) {
    return spawnSync(this.file, [...this.leading, ...args], { input, maxBuffer: 1 << 30, timeout: 300000 });
  }

  append(home, jsonl) {
    return this.#run(COMMANDS.append(home), jsonl);
  }

  adopt(home, from) {
    return this.#run(COMMANDS.adopt(home, from));
  }

  export(home, since, until) {
    return this.#run(COMMANDS.export(home, since, until));
  }

  /** {report, classes, exit}, or {crashed} with what there was instead of a report */
  verify(home) {
    const p = this.#run(COMMANDS.verify(home));
    try {
      const json = JSON.parse(p.stdout);
      // the report existing verifiers give is its member "compat"; the stand-in prints just that
      const classes = (json.findings ?? []).map((f) => f.class);
      return { report: normalise(json.compat ?? json), classes, exit: p.status };
    } catch {
      const clip = (s) => String(s).slice(0, 300);
      return { crashed: `exit ${p.status} signal ${p.signal} stdout ${clip(p.stdout)} stderr ${clip(p.stderr)}` };
    }
  }

  /** appends in a process of its own; resolves to {status, stderr} */
  appendAside(home, jsonl) {
    return aside(this.file, [...this.leading, ...COMMANDS.append(home)], jsonl);
  }
}

export function aside(file, args, input) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (d) => (stderr += d));
    child.on("close", (status) => resolve({ status, stderr }));
    child.stdin.end(input);
  });
}
