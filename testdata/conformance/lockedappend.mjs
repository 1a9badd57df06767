// Appending as existing Node installs do: O_EXCL audit.lock with pid and time, polled each 5 ms and
// given up after 2 s, stale after 10 s or when its holder is gone; the head is the hash of the last
// line of audit.log; one write, no fsync.
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import * as R from "./reference.mjs";

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function gone(pid) {
  try {
    process.kill(pid, 0);
    return false;
  } catch (e) {
    return e.code === "ESRCH";
  }
}

function stale(lock) {
  const { mtimeMs } = statSync(lock);
  const pid = parseInt(readFileSync(lock, "utf8"), 10);
  const age = Date.now() - mtimeMs;
  return age > 10000 || (pid > 0 ? pid !== process.pid && gone(pid) : age > 1000);
}

function acquire(lock) {
  for (const end = Date.now() + 2000; Date.now() < end;) {
    try {
      const fd = openSync(lock, "wx", 0o600);
      writeSync(fd, `${process.pid}\n${new Date().toISOString()}\n`);
      closeSync(fd);
      return;
    } catch (e) {
      if (e.code !== "EEXIST") throw e;
    }
    try {
      const { ino } = statSync(lock);
      if (stale(lock)) {
        if (statSync(lock).ino === ino) unlinkSync(lock);
        continue;
      }
    } catch {
      continue; // it went away while we looked
    }
    sleep(5);
  }
  throw new Error("audit.lock: not acquired within 2 s");
}

/** spell gives the line that is written for a sealed record */
export function lockedAppend(home, event, spell = R.lineOf) {
  const log = join(home, "audit.log");
  const lock = join(home, "audit.lock");
  acquire(lock);
  try {
    const last = existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean).at(-1) : null;
    const rec = R.seal(last ? JSON.parse(last).hash : R.ZERO, { ts: new Date().toISOString(), ...event });
    appendFileSync(log, spell(rec));
  } finally {
    unlinkSync(lock);
  }
}
