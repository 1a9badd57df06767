// Random damage and attacks on a log. Each takes a source of chance and a model of the home:
// live and segs hold lines as text, tail ends the live log, eol every line.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digest, seal, ZERO } from "./reference.mjs";
import { respell, nastyPayload } from "./fuzzdata.mjs";

export function save(home, m) {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const body = (l, tail) => (l.length ? l.join(m.eol) + tail : "");
  if (m.live) writeFileSync(join(home, "audit.log"), body(m.live, m.tail));
  if (Object.keys(m.segs).length) {
    mkdirSync(join(home, "audit-archive"));
    for (const [n, l] of Object.entries(m.segs)) writeFileSync(join(home, "audit-archive", n), body(l, m.eol));
  }
}
const files = (m) => [...Object.values(m.segs), ...(m.live ? [m.live] : [])];
const pickFile = (r, m) => {
  const f = files(m).filter((x) => x.length > 2);
  return f.length ? r.pick(f) : (m.live ?? []);
};
const rec = (s) => {
  try {
    const v = JSON.parse(s);
    return v && typeof v === "object" ? v : null;
  } catch {
    return null;
  }
};
const edit = (fn) => (r, m) => {
  const f = pickFile(r, m);
  if (!f.length) return;
  const i = r.int(f.length);
  const v = rec(f[i]);
  if (v) {
    fn(v, r);
    f[i] = JSON.stringify(v);
  }
};

export const DAMAGE = {
  payload: edit((v, r) => {
    v.payload = { ...v.payload, edited: r.int(9) };
  }),
  payloadNasty: edit((v, r) => {
    v.payload = nastyPayload(r);
  }),
  ts: edit((v) => {
    v.ts = v.ts?.replace?.(/\d(?=Z$)/, (d) => String((+d + 1) % 10));
  }),
  actor: edit((v) => {
    v.actor = v.actor + "x";
  }),
  event: edit((v) => {
    v.event = v.event + ".x";
  }),
  hash: edit((v, r) => {
    v.hash = r.hex(64);
  }),
  upper: edit((v) => {
    v.hash = String(v.hash).toUpperCase();
  }),
  prev: edit((v, r) => {
    v.prev_hash = r.hex(64);
  }),
  zeroPrev: edit((v) => {
    v.prev_hash = ZERO;
  }),
  rehash: edit((v) => {
    v.payload = { forged: true };
    v.hash = digest(v);
  }),
  extra: edit((v) => {
    v.note = "unhashed";
  }),
  noActor: edit((v) => {
    delete v.actor;
  }),
  noHash: edit((v) => {
    delete v.hash;
  }),
  numHash: edit((v) => {
    v.hash = 5;
  }),
  spell: (r, m) => {
    const f = pickFile(r, m);
    if (!f.length) return;
    const i = r.int(f.length);
    const v = rec(f[i]);
    if (v && !f[i].includes("__proto__")) f[i] = respell(r, v);
  },
  del: (r, m) => {
    const f = pickFile(r, m);
    f.splice(r.int(f.length), 1 + r.int(3));
  },
  dup: (r, m) => {
    const f = pickFile(r, m);
    if (!f.length) return;
    const i = r.int(f.length);
    f.splice(r.int(f.length + 1), 0, ...f.slice(i, i + 1 + r.int(3)));
  },
  swap: (r, m) => {
    const f = pickFile(r, m);
    if (f.length < 2) return;
    const i = r.int(f.length - 1);
    [f[i], f[i + 1]] = [f[i + 1], f[i]];
  },
  garbage: (r, m) => {
    const f = pickFile(r, m);
    f.splice(r.int(f.length + 1), 0, r.pick(["garbage", "\r", " ", '{"ts":', "\ufeff{}", "{}}", "'x'"]));
  },
  oddJson: (r, m) => {
    const f = pickFile(r, m);
    f.splice(r.int(f.length + 1), 0, r.pick(["123", '"s"', "[]", "true", "{}", '{"hash":"x"}', '{"hash":"x"}']));
  },
  nullLine: (r, m) => {
    const f = pickFile(r, m);
    f.splice(r.int(f.length + 1), 0, "null");
  },
  blank: (r, m) => {
    const f = pickFile(r, m);
    f.splice(r.int(f.length + 1), 0, "", "");
  },
  crlf: (r, m) => {
    m.eol = "\r\n";
    m.tail = "\r\n";
  },
  torn: (r, m) => {
    if (m.live?.length) {
      m.live.push(m.live.at(-1).slice(0, 1 + r.int(60)));
      m.tail = "";
    }
  },
  noNewline: (r, m) => {
    m.tail = "";
  },
  glue: (r, m) => {
    const f = pickFile(r, m);
    if (f.length < 2) return;
    const i = r.int(f.length - 1);
    f.splice(i, 2, f[i] + f[i + 1]);
  },
  fork: (r, m) => {
    const f = pickFile(r, m);
    if (!f.length) return;
    const p = rec(f[r.int(f.length)]);
    if (!p) return;
    f.splice(
      r.int(f.length + 1),
      0,
      JSON.stringify(seal(p.hash, { ts: p.ts, event: "x.fork", payload: { n: r.int(99) } })),
    );
  },
  genesis: (r, m) => {
    const f = pickFile(r, m);
    f.splice(
      r.int(f.length + 1),
      0,
      JSON.stringify(seal(ZERO, { ts: "2020-01-01T00:00:00.000Z", event: "x.genesis", payload: { n: r.int(99) } })),
    );
  },
  ack: (r, m) => {
    const f = pickFile(r, m);
    const cands = files(m)
      .flat()
      .map(rec)
      .filter((v) => v && typeof v.hash === "string" && digest(v) !== v.hash && v.event !== "audit.redact");
    if (!cands.length || !m.live) return;
    const head = rec(m.live.at(-1));
    if (!head) return;
    const v = r.pick(cands);
    m.live.push(
      JSON.stringify(
        seal(head.hash, {
          ts: "2026-10-01T00:00:00.000Z",
          event: "audit.redact",
          actor: "cli",
          payload: r.int(6)
            ? {
                reason: "r" + r.int(9),
                redacted: [
                  { index: 0, hash: v.hash, content_hash: r.int(5) ? digest(v) : r.hex(64), ts: v.ts, event: v.event },
                ],
              }
            : { redacted: "no" },
        }),
      ),
    );
  },
  dropSeg: (r, m) => {
    const n = Object.keys(m.segs);
    if (n.length) delete m.segs[r.pick(n)];
  },
  swapSeg: (r, m) => {
    const n = Object.keys(m.segs);
    if (n.length > 1) {
      const a = n[0],
        b = n[1];
      [m.segs[a], m.segs[b]] = [m.segs[b], m.segs[a]];
    }
  },
  seam: (r, m) => {
    const n = Object.keys(m.segs);
    if (n.length && m.live) {
      const last = m.segs[n.at(-1)];
      const k = r.int(last.length + 1);
      m.live.unshift(...last.slice(last.length - k));
    }
  },
  emptySeg: (r, m) => {
    m.segs[r.pick(["audit-0099.jsonl", "audit-0001-r1.jsonl"])] = [];
  },
  split: (r, m) => {
    if (m.live && m.live.length > 3) {
      const k = 1 + r.int(m.live.length - 2);
      const n = Object.keys(m.segs).length + 1;
      m.segs[`audit-${String(n).padStart(4, "0")}.jsonl`] = m.live.splice(0, k);
    }
  },
  ignored: (r, m) => {
    m.segs[
      r.pick([
        "audit-1.jsonl",
        "audit-0001.jsonl.bak",
        ".audit-0009.jsonl.tmp",
        "audit-0001-r0.jsonl",
        "audit-0001-r01.jsonl",
      ])
    ] = ["garbage"];
  },
};
