// Writes golden.jsonl: JSON texts with what Node makes of each.
//
//     node golden.mjs > golden.jsonl
//
// A line is {"text": T, "out": O}, where O is JSON.stringify(JSON.parse(T)), or {"text": T, "error": true}
// where JSON.parse refuses T. A text that is not UTF-8 stands as "hex". The seed is fixed: the same
// script gives the same file.

let state = 20260927;
const random = () => {
  state = (state + 0x9e3779b9) >>> 0; // splitmix32
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
};
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const repeat = (n, f) => Array.from({ length: n }, (_, i) => f(i));

const cases = new Map(); // by hex, so that no text comes twice
const add = (text) => {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, "utf8");
  const key = bytes.toString("hex");
  if (cases.has(key)) return;
  const decoded = bytes.toString("utf8");
  const input = Buffer.from(decoded, "utf8").equals(bytes) ? { text: decoded } : { hex: key };
  let result;
  try {
    result = { out: JSON.stringify(JSON.parse(decoded)) };
  } catch {
    result = { error: true };
  }
  cases.set(key, JSON.stringify({ ...input, ...result }));
};

// Numbers: the borders of each form, then doubles by their bits, then decimals of every length.
const numbers = [
  "0", "-0", "0.0", "-0.0", "0e0", "-0e-0", "0E+5", "0.000e99999", "1", "-1", "1.0", "1.50", "10e-1", "1e0", "1E2", "1e+2",
  "1e-6", "1e-7", "0.000001", "0.0000001", "0.00000123", "1.23e-6", "9.99e-7", "123e-20", "-1e-7", "1e20", "1e21", "1e22",
  "123456789012345680000", "999999999999999900000", "1000000000000000000000", "1000000000000000100000", "12345678901234567890",
  "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994", "-9007199254740993", "999999999999999",
  "9999999999999999", "99999999999999999", "100000000000000000000", "99999999999999999999", "0.1", "0.2", "0.30000000000000004",
  "0.3333333333333333", "0.33333333333333331", "4.35", "4.350", "1.005", "123.456", "2.5", "1.7976931348623157e308", "1.7976931348623157e+308",
  "1.7976931348623158e308", "1.7976931348623159e308", "1e308", "1e309", "-1e309", "1e400", "-1e400", "1e99999", "1e-99999", "2e-324",
  "3e-324", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072014e-308", "2.2250738585072011e-308",
  "4.9406564584124654e-324", "1e23", "1e+23", "9.5e-7", "0.1e1", "1e1000000000000", "1e-1000000000000", "0.00001", "0.000010", "1.25e+21",
  "8.41e21", "5e-7", "1.0000000000000002", "1.00000000000000022", "0.500", "100.25", "1e5", "100000", "1.5e300", "1.5E+300",
];
for (const n of numbers) add(n);
const view = new DataView(new ArrayBuffer(8));
for (let i = 0; i < 500; i++) {
  view.setUint32(0, below(2 ** 32));
  view.setUint32(4, below(2 ** 32));
  const f = view.getFloat64(0);
  if (Number.isFinite(f)) add(i % 2 ? JSON.stringify(f) : pick([f.toExponential(), f.toExponential(20), f.toPrecision(30)]));
}
const digits = (n) => repeat(n, () => below(10)).join("");
for (let i = 0; i < 400; i++) {
  const whole = pick(["0", "0", String(1 + below(9)) + digits(below(22))]);
  const fraction = below(2) ? "." + digits(1 + below(20)) : "";
  const exponent = below(3) ? "" : pick(["e", "E"]) + pick(["", "+", "-"]) + (below(8) ? below(40) : below(400));
  add(pick(["", "-"]) + whole + fraction + exponent);
}
for (let i = 0; i < 60; i++) { // halfway between two doubles, and one digit to either side
  const m = BigInt(2) ** BigInt(53) + BigInt(2 * below(2 ** 31) + 1);
  for (const d of [-1n, 0n, 1n]) add(String(m * 2n ** BigInt(i % 12) + d));
}
add("1" + "0".repeat(400) + "e-400");
add("0." + "0".repeat(400) + "1e401");
add("0." + "0".repeat(10100) + "1e10101");
add("1" + "0".repeat(10100) + "e-10100");
add("9".repeat(800) + "e-799");
add("2.2250738585072014" + "0".repeat(800) + "1e-308");

// Strings: each escape in each spelling, each class of character, surrogates in every company.
const hex = (n) => n.toString(16).padStart(4, "0");
for (let c = 0; c <= 0x20; c++) for (const s of [`"\\u${hex(c)}"`, `"\\u${hex(c).toUpperCase()}"`, `"a${String.fromCharCode(c)}b"`, `"\\${String.fromCharCode(c)}"`]) add(s);
for (let c = 0x21; c < 0x7f; c++) { add(`"\\${String.fromCharCode(c)}"`); add(`"\\u${hex(c)}"`); }
const points = [0x7f, 0x80, 0x9f, 0xa0, 0xad, 0xff, 0x7ff, 0x800, 0x2028, 0x2029, 0xd7ff, 0xe000, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0x10ffff];
for (const p of points) {
  const ch = String.fromCodePoint(p);
  add(`"${ch}"`);
  add(`"x${ch}y${ch}"`);
  add(`"` + [...repeat(ch.length, (i) => "\\u" + hex(ch.charCodeAt(i)))].join("") + `"`);
  add(`{"${ch}":"${ch}"}`);
}
const units = ["\\ud800", "\\uDBFF", "\\udc00", "\\uDFFF", "\\ud83d", "\\ude00", "a", "é", "😀", "\\u0041", "\\\\", "\\ud8", "\\u", "\\n"];
for (const a of units) for (const b of units) { add(`"${a}${b}"`); }
for (let i = 0; i < 150; i++) add(`"${repeat(3 + below(4), () => pick(units.slice(0, 11))).join("")}"`);
for (const s of ["</script>", "<&>'", "e\u0301", "👩‍👩‍👧", "%s%n", "__proto__", "null", "\u00e9\u2028"]) { add(JSON.stringify(s)); add(JSON.stringify({ [s]: s })); }

// Bytes that are no UTF-8: one U+FFFD for each maximal part.
const parts = ["e282", "f09f98", "eda080", "edb080", "c0af", "e080af", "f0808080", "f4908080", "f8888080", "80", "bf", "ff", "fe", "c3", "c328", "e2", "e228a1", "f0", "f09f", "f02882", "f48fbf", "e18080", "f1808080", "f18080", "c2a9", "61", "f09f9880"];
for (const a of parts) {
  for (const b of ["", ...parts]) add(Buffer.from("22" + a + b + "22", "hex"));
  add(Buffer.from("7b22" + a + "223a312c22" + a + "223a327d", "hex"));
  add(Buffer.from("225c6e" + a + "5c756438303022", "hex"));
  add(Buffer.from(a, "hex"));
  add(Buffer.from("22" + a, "hex"));
}
add(Buffer.from("7b22ff223a312c22fe223a322c22efbfbd223a337d", "hex"));

// Objects: order of members, members named twice, names that only look like numbers.
const names = ["0", "1", "2", "10", "9", "00", "01", "-1", "-0", "1.5", "1e3", "4294967293", "4294967294", "4294967295", "4294967296", "42949672950", "9007199254740993",
  "", " ", " 1", "1 ", "+1", "0x1", "a", "A", "b", "__proto__", "constructor", "toJSON", "length", "hasOwnProperty", "\\u0031", "\\u0061", "é", "\\ud800", "\\uD800", "😀", "\\ud83d\\ude00"];
for (const a of names) { add(`{"${a}":1}`); add(`{"b":1,"${a}":2}`); add(`{"10":1,"${a}":2,"x":3}`); add(`{"${a}":1,"y":2,"${a}":3}`); }
for (let i = 0; i < 400; i++) add("{" + repeat(2 + below(7), (j) => `"${pick(names)}":${j}`).join(",") + "}");
add("{" + repeat(300, (i) => `"k${(i * 7919) % 150}":${i}`).join(",") + "}");
add("{" + repeat(100, (i) => `"${(i * 37) % 101}":${i}`).join(",") + "}");

// Any value, spelled in any way.
const space = () => pick(["", "", "", "", " ", "\t", "\n", "\r", " \r\n"]);
const spellString = (s) => '"' + repeat(s.length, (i) => {
  const c = s.charCodeAt(i);
  if (c < 0x20 || c === 0x22 || c === 0x5c || (c & 0xf800) === 0xd800) return "\\u" + (below(2) ? hex(c) : hex(c).toUpperCase());
  return below(6) ? s[i] : s[i] === "/" ? "\\/" : "\\u" + hex(c);
}).join("") + '"';
const text = () => pick(["", "a", "/", "tool", "\u0000\u001f", "\"\\", "\n", "\u2028", "日本", "\ud83d\ude00", "\ud83d", "x".repeat(below(30))]) + pick(["", "", "z", "é"]);
const value = (depth) => {
  switch (below(depth > 4 ? 4 : 6)) {
    case 0: return pick(["null", "true", "false"]);
    case 1: return pick(numbers);
    case 2: return spellString(text());
    case 3: return JSON.stringify(text());
    case 4: return "[" + repeat(below(4), () => space() + value(depth + 1) + space()).join(",") + "]";
    default: return "{" + repeat(below(5), () => `${space()}"${pick(names)}"${space()}:${space()}${value(depth + 1)}${space()}`).join(",") + "}";
  }
};
for (let i = 0; i < 500; i++) {
  const v = value(0);
  add(space() + v + space());
  try { add(JSON.stringify(JSON.parse(v))); } catch { add(v); }
}
for (const depth of [1, 2, 100, 1000]) { add("[".repeat(depth) + "]".repeat(depth)); add('{"":'.repeat(depth) + "0" + "}".repeat(depth)); add("[".repeat(depth) + "]".repeat(depth - 1)); }

// Not JSON.
for (const t of ["", " ", "\n", "nul", "nulll", "True", "NULL", "undefined", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", "00", "1.", ".5", "1e", "1e+", "1.e1", "0x10", "1_000", "1 2", "1,2", "1,", ",",
  "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{'a':1}", "{\"a\" 1}", "{\"a\",1}", "{\"a\":1 \"b\":2}", "{null:1}", "{[]:1}",
  "\"", "\"a", "\"\\\"", "'a'", "\"a\"b", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\U0041\"", "\"a\tb\"", "\"a\nb\"", "// c\n1", "/* c */1", "1//", "\u00a01", "\u000b1", "\u000c1", "\ufeff1", "\u20281", "1\u0000", "\u0000", "[1]]", "{}{}", "true false", "\"\\", "[\"\\ud800]"]) add(t);
for (let i = 0; i < 300; i++) { // one byte off
  const b = Buffer.from(value(0), "utf8");
  const at = below(b.length + 1);
  add(Buffer.concat([b.subarray(0, at), pick([Buffer.alloc(0), Buffer.from([pick([0x22, 0x5c, 0x7b, 0x7d, 0x2c, 0x3a, 0x30, 0x20, 0x00, 0xff, 0xc3, below(256)])])]), b.subarray(at + below(2))]));
}

process.stdout.write([...cases.values()].join("\n") + "\n");
