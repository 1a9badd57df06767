// Seeded random events, realistic and nasty, and other spellings of the same JSON.
export function rng(seed) {
  let a = seed >>> 0;
  const f = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  f.int = (n) => Math.floor(f() * n);
  f.pick = (l) => l[f.int(l.length)];
  f.hex = (n) => Array.from({ length: n }, () => "0123456789abcdef"[f.int(16)]).join("");
  return f;
}
const WORDS =
  "deploy staging nginx token retry patch review merge index schema cache worker queue alert policy vector anchor audit ledger segment café naïve Zürich 日本語 поиск 🚀 ok".split(
    " ",
  );
export const words = (r, n) => Array.from({ length: n }, () => r.pick(WORDS)).join(" ");
const K = {
  "learning.save": (r) => ({
    id: r.hex(8),
    category: r.pick(["deployment", "security", "other"]),
    project: r.pick(["crowlr", "compr", "ops"]),
    rule_length: r.int(300),
    mode: r.pick(["create", "update"]),
  }),
  "learning.delete": (r) => ({ id: r.hex(8), category: "other", rule_length: r.int(200) }),
  "learning.import": (r) => ({
    source: `/home/u/${r.pick(WORDS)}.md`,
    format: "markdown",
    imported: r.int(9),
    updated: r.int(9),
    skipped: 0,
    errors: 0,
  }),
  "learning.sweep": (r) => ({
    sources: 896,
    scanned: r.int(40),
    unchanged: 850,
    imported: 0,
    updated: r.int(3),
    ignored: 4,
    errors: 0,
    untrusted: [],
    ms: r.int(900),
  }),
  "session.save": (r) => ({ name: words(r, 1), key: "summary", value_length: r.int(2000), entries: r.int(40) }),
  "session.delete": (r) => ({ name: words(r, 1) }),
  "activation.activate": (r) => ({
    plan: "pro",
    email: "ops@example.test",
    machine_id: r.hex(12),
    expires_at: "2027-01-01T00:00:00.000Z",
    delta_version: null,
  }),
  "activation.heartbeat": (r) => ({ plan: "pro", machine_id: r.hex(12) }),
  "activation.signature_reject": (r) => ({ plan: "pro", machine_id: r.hex(12), reason: "bad signature" }),
  "firewall.escalate": (r) => ({ level: r.pick(["footer", "header", "degraded"]), round: r.int(6) }),
  "hook.block": (r) => ({
    check: "secret-scan",
    pattern_id: r.pick(["aws-key", "stripe"]),
    file: `src/${r.pick(WORDS)}.ts`,
    line: r.int(400),
  }),
  "hook.bypass": (r) => ({ check: "doc-coverage", reason: words(r, 4) }),
  "policy.skipped": (r) => ({
    check: "commit-message-required",
    rule_id: "multi-agent",
    matched_files: ["a.ts"],
    pattern: "^x",
    bypass_reason: words(r, 5),
  }),
  "browser.prompt": (r) => ({
    surface: r.pick(["claude.ai", "chatgpt.com"]),
    conversation_id: r.hex(8),
    text: words(r, 12),
    char_count: r.int(400),
  }),
  "browser.response": (r) => ({
    surface: "claude.ai",
    conversation_id: r.hex(8),
    char_count: r.int(4000),
    stream_ms: r.int(9000),
    text: words(r, 20),
  }),
  "browser.tool_call": (r) => ({ surface: "claude.ai", tool: "web_search", args_preview: words(r, 3) }),
  "browser.session_start": (r) => ({ surface: "claude.ai", conversation_id: r.hex(8) }),
  "browser.capture_miss": () => ({ surface: "chatgpt.com", error: "selector tiers failed" }),
  "vscode.prompt_submit": (r) => ({
    surface: "claude-code",
    session: r.hex(16),
    cwd: "/repo",
    char_count: r.int(900),
    text_fingerprint: r.hex(16),
  }),
  "vscode.tool_call": (r) => ({
    surface: "claude-code",
    tool: r.pick(["Bash", "Edit", "Grep", "Read"]),
    args_preview: words(r, 4),
    session: r.hex(16),
    cwd: "/repo",
    input_chars: r.int(5000),
  }),
  "vscode.session_start": (r) => ({ surface: "claude-code", session: r.hex(16), cwd: "/repo", source: "startup" }),
  "drift.detected": (r) => ({
    kind: r.pick(["loop", "stuck", "context_bloat", "fabrication_suspect", "silent_failure", "no_insight"]),
    severity: r.pick(["info", "warn", "critical"]),
    reason: words(r, 6),
    evidence_count: r.int(9),
    count: r.int(9),
  }),
  "notification.fired": (r) => ({ channel: "os", title: words(r, 3) }),
  "community.sync_ok": () => ({ tier: "A", fetched: 0 }),
  "server.start": (r) => ({
    pid: r.int(60000),
    parent: "launchd",
    version: "2.18.0",
    build: r.hex(8),
    cwd: "/",
    servers_running: 2,
    stale_builds: 0,
  }),
  "server.role": (r) => ({
    pid: r.int(60000),
    corpus: r.hex(8),
    role: r.pick(["indexer", "reader"]),
    indexer: null,
    reason: "start",
  }),
  "index.write": (r) => ({
    pid: r.int(60000),
    corpus: r.hex(8),
    seq: r.int(99),
    chunks: 5178,
    vectors: 5178,
    bytes: r.int(9e6),
    ms: r.int(900),
  }),
  "ingest.rate_limited": (r) => ({
    dropped: r.int(900),
    since: "2026-09-25T10:00:00.000Z",
    rate_per_sec: 200,
    burst: 1000,
  }),
  // kinds that compliance pages name and no existing writer emits; any string is a kind
  "cli.command": (r) => ({ argv: ["audit-verify", "--json"], exit: r.int(3) }),
  "auth.bad_secret": (r) => ({ remote: "127.0.0.1", path: "/events" }),
  "service.error": (r) => ({ service: "ingest", error: words(r, 4) }),
  "queue.overflow": (r) => ({ dropped: r.int(50) }),
  "policy.violation": (r) => ({ rule_id: r.hex(4), file: "x.ts" }),
  "policy.secret_detected": (r) => ({ pattern_id: "stripe", file: "x.ts" }),
  "bypass_token.used": (r) => ({ token_id: r.hex(6), reason: words(r, 3) }),
  "bypass_token.forged": (r) => ({ token_id: r.hex(6) }),
  "drift.hallucination": (r) => ({ citedPath: "src/none.ts" }),
  "drift.stuck_tool": (r) => ({ tool: "Grep", count: r.int(9) }),
  "drift.silent_failure": (r) => ({ tool: "Bash", count: r.int(9) }),
  "drift.prompt_loop": (r) => ({ repetitions: r.int(9) }),
};
export const KINDS = Object.keys(K);
const ACTORS = ["system", "cli", "claude-code", "browser-ext", "vscode-ext", "Zoë", "ci/bot,1"];

export function realistic(r, n, from, to) {
  const a = Date.parse(from),
    b = Date.parse(to);
  const times = Array.from({ length: n }, () => Math.floor(a + r() * (b - a))).sort((x, y) => x - y);
  return times.map((t) => {
    const event = r.pick(KINDS);
    return { ts: new Date(t).toISOString(), event, actor: r.pick(ACTORS), payload: K[event](r) };
  });
}

const STR = [
  "",
  " ",
  "a",
  "\u0000",
  "\u0001\u001f",
  "\t\n\r\b\f",
  '"',
  "\\",
  '\\"',
  "/",
  "</script>",
  "<&>'",
  "\u007f",
  "\u0080\u009f",
  "\u00a0",
  "\u00ad",
  "\u2028",
  "\u2029",
  "a\u2028b\u2029c",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "é",
  "e\u0301",
  "日本語",
  "🚀👩‍👩‍👧",
  "\ud800",
  "\udc00",
  "\udc00\ud800",
  "x\udbffy",
  "\ud83d\ude00",
  "\ud83d \ude00",
  '","prev_hash":"',
  '","hash":"',
  '"}\n{"ts":"',
  "{[]}",
  "}",
  "\\u0041",
  "\\ud800",
  "%s%n",
  "=cmd()",
  "null",
  "__proto__",
  "1e999",
  "-0",
];
const NUM = [
  0,
  -0,
  1,
  -1,
  0.1,
  -0.1,
  1e21,
  1e20,
  123456789012345680000,
  1e-6,
  1e-7,
  -1e-7,
  5e-324,
  1.7976931348623157e308,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  0.30000000000000004,
  1 / 3,
  1e300,
  4.35,
  100,
  1e5,
  123e-20,
  999999999999999900000,
  1000000000000000100000,
];
export function nastyValue(r, depth = 0) {
  const k = r.int(depth > 4 ? 5 : 8);
  if (k === 0) return r.pick(NUM);
  if (k === 1) return r.pick([true, false, null]);
  if (k <= 3) return r.pick(STR) + (r.int(3) ? "" : r.pick(STR));
  if (k === 4) {
    let s = "";
    for (let i = r.int(12); i > 0; i--) s += String.fromCharCode(r.int(65536));
    return s;
  }
  if (k === 5) return (r() - 0.5) * 10 ** (r.int(60) - 30);
  if (k === 6) return Array.from({ length: r.int(5) }, () => nastyValue(r, depth + 1));
  const o = {};
  for (let i = r.int(6); i > 0; i--) {
    const key = r.pick([
      () => String(r.int(40)),
      () => r.pick(STR),
      () => "k" + r.int(9),
      () => String(r.int(2 ** 31) * 3),
      () => "0" + r.int(9),
      () => "-" + r.int(9),
      () => r.pick(["4294967294", "4294967295", "4294967296", "1.5", "1e3", "constructor", "toString"]),
    ])();
    if (key === "__proto__")
      Object.defineProperty(o, key, {
        value: nastyValue(r, depth + 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else o[key] = nastyValue(r, depth + 1);
  }
  return o;
}
export function nastyPayload(r) {
  const p = {};
  for (let i = 1 + r.int(4); i > 0; i--) p["f" + r.int(20)] = nastyValue(r);
  if (!r.int(3)) p[String(r.int(100))] = nastyValue(r);
  return p;
}
export function nastyEvents(r, n, from, to) {
  return realistic(r, n, from, to).map((e) => ({
    ...e,
    payload: nastyPayload(r),
    actor: r.int(5) ? e.actor : r.pick(STR) || "x",
    event: r.int(9) ? e.event : r.pick(STR) || "y",
  }));
}

/** A JSON text for v that parses to the same value but is spelled differently (same key order). */
export function respell(r, v) {
  const ws = () => r.pick(["", "", "", " ", "\t", "  ", "\r"]);
  if (typeof v === "string")
    return (
      '"' +
      [...Array(v.length).keys()]
        .map((i) => {
          const c = v.charCodeAt(i),
            ch = v[i];
          if (c < 0x20 || ch === '"' || ch === "\\" || (c >= 0xd800 && c <= 0xdfff) || !r.int(4))
            return ch === "/" && r.int(2)
              ? "\\/"
              : "\\u" + (r.int(2) ? c.toString(16).padStart(4, "0") : c.toString(16).padStart(4, "0").toUpperCase());
          return ch;
        })
        .join("") +
      '"'
    );
  if (typeof v === "number") {
    const s = JSON.stringify(v);
    if (Object.is(v, 0) && r.int(2)) return "-0";
    const alt = [
      s,
      v.toExponential(),
      v.toExponential().replace("e+", "E"),
      Number.isInteger(v) && !s.includes("e") ? s + ".0" : s,
    ];
    const t = r.pick(alt);
    return Object.is(JSON.parse(t), v) ? t : s;
  }
  if (v === null || typeof v === "boolean") return String(v);
  if (Array.isArray(v)) return "[" + v.map((x) => ws() + respell(r, x) + ws()).join(",") + "]";
  return (
    "{" +
    Object.keys(v)
      .map((k) => ws() + respell(r, k) + ws() + ":" + ws() + respell(r, v[k]) + ws())
      .join(",") +
    "}"
  );
}
