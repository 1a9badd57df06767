#!/usr/bin/env python3
"""Checks an OpsContext audit log without OpsContext: python3 verify.py HOME [HASH...]

It needs Python 3.9 or newer and, where segments are archived, the zstd command. It only reads.
The rules that it cites by number are those of docs/FORMAT.md; README.md beside this file says
what it does not check. Exit codes: 0 nothing wrong found, 3 something wrong, 5 something could not
be read or nothing is there, 64 wrong command line.
"""

import collections
import datetime
import hashlib
import json
import os
import re
import stat
import struct
import subprocess
import sys

GENESIS = "0" * 64
SIX = ("ts", "event", "actor", "payload", "prev_hash", "hash")
MAX_LINE = 64 << 20  # bytes, rule 4.6
MAX_MANIFEST = 32 << 20  # bytes, rule 17.11
MAX_COMMAS = 1 << 21  # of a manifest
WINDOW = 1 << 16  # records whose hashes are remembered, to tell forks and copies from gaps
RACE = 64  # positions that racing writers may lie apart, rule 7.7
SHOWN = 50  # messages of one file; the rest is counted

SEGMENT = re.compile(r"audit-(\d{4}|[1-9]\d{4,14})(?:-r([1-9]\d{0,14}))?(\.jsonl|\.jsonl\.zst|\.manifest\.json)")
HASH = re.compile(r"[0-9a-f]{64}")
SURROGATE = re.compile("[\ud800-\udfff]")  # has no partner: pairs were read as characters
INDEX = re.compile(r"0|[1-9]\d{0,9}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TAIL = re.compile(rb',"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\Z')


# --- JSON as ECMAScript has it (section 5) ---


class Oddities:
    """What two readers of one text may see differently."""

    def __init__(self):
        self.found = []

    def members(self, pairs):
        value = dict(pairs)  # the last value counts, in the place of the first
        if len(value) != len(pairs):
            self.found.append("a name occurs twice in one object")
        return value

    def number(self, text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            self.found.append("a number is too large")
        return value


def constant(text):
    raise ValueError(text + " is no JSON")


def parse(line):
    """Gives the value of a text and its oddities. ValueError if it is not JSON."""
    odd = Oddities()
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        odd.found.append("bytes are not UTF-8")
        text = line.decode("utf-8", "replace")
    value = json.loads(
        text, object_pairs_hook=odd.members, parse_float=odd.number, parse_int=odd.number, parse_constant=constant
    )
    return value, odd.found


quote = json.JSONEncoder(ensure_ascii=False).encode


def string(s):
    text = quote(s)
    return text if text.isascii() else SURROGATE.sub(lambda m: "\\u%04x" % ord(m[0]), text)


def number(x):
    if x != x or x in (float("inf"), float("-inf")):
        return "null"
    if x == 0:
        return "0"
    sign = "-" if x < 0 else ""
    mantissa, _, exponent = repr(abs(x)).partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + part).lstrip("0")
    point -= len(whole + part) - len(digits)
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        text = digits[:point].ljust(point, "0")
        return sign + text + ("." + digits[point:] if len(digits) > point else "")
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + "e%+d" % (point - 1)


def stringify(value):
    if isinstance(value, str):
        return string(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(float(value))
    if isinstance(value, list):
        return "[" + ",".join(map(stringify, value)) + "]"
    if isinstance(value, dict):
        names = list(value)
        first = sorted((n for n in names if INDEX.fullmatch(n) and int(n) < 4294967295), key=int)
        if first:
            indices = set(first)
            names = first + [n for n in names if n not in indices]
        return members(value, names)
    return {None: "null", True: "true", False: "false"}[value]


def members(value, names):
    return "{" + ",".join(string(n) + ":" + stringify(value[n]) for n in names if n in value) + "}"


# --- One line (section 4) ---


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def judge_line(line):
    """Gives the record, or None if there is none, a class of rule 4.8's table, and why."""
    try:
        return judge_text(line)
    except RecursionError:
        return None, "deep", "nested deeper than Python reads"


def judge_text(line):
    try:
        value, odd = parse(line)
    except ValueError:
        return None, "unreadable", "not JSON"
    if not isinstance(value, dict) or not any(n in value for n in SIX):
        return None, "unreadable", "not a record"
    stated = value.get("hash")
    # The byte rule (4.7): the line's own bytes, with prev_hash put first.
    tail = TAIL.search(line)
    if tail and not odd and stated == tail[2].decode():
        body = line[1 : tail.start()]
        if sha256(b'{"prev_hash":"' + tail[1] + b'",' + body + b"}") == stated:
            if members(value, SIX).encode("utf-8", "surrogatepass") == line:
                return value, "exact", ""
    # The value rule (4.8): what the values are written as.
    hashed = members(value, ("prev_hash",) + SIX[:4])
    if not isinstance(stated, str) or sha256(hashed.encode("utf-8", "surrogatepass")) != stated:
        return value, "altered", "content does not match its hash"
    if any(n not in SIX for n in value):
        odd.append("there is a member that the hash does not cover")
    if odd:
        return value, "ambiguous", odd[0]
    return value, "re-encoded", ""


def text_of(record, name):
    value = record.get(name)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


def hash_of(record, name):
    value = record.get(name)
    return value if isinstance(value, str) and HASH.fullmatch(value) else None


# --- The chain (section 7) ---


class Judge:
    def __init__(self, expected):
        self.wrong = self.unread = self.warnings = 0
        self.records = self.respelled = self.copies = 0
        self.anchors = 0  # breaks that people documented
        self.deep = 0  # lines that may be records, beyond what Python reads
        self.first = None
        self.head = GENESIS
        self.blind = False  # the next link follows bytes that could not be read
        self.window = collections.deque()
        self.seen = set()
        self.recent = collections.deque(maxlen=RACE)
        self.attested = collections.defaultdict(list)  # segment: what audit.archive records say
        self.expected = set(expected)
        self.messages = collections.Counter()

    def say(self, word, file, what):
        self.messages[file] += 1
        if self.messages[file] <= SHOWN:
            print("%-8s %s: %s" % (word, file, what))

    def bad(self, file, what):
        self.wrong += 1
        self.say("WRONG", file, what)

    def unreadable(self, file, what):
        self.unread += 1
        self.say("UNREAD", file, what)

    def warn(self, file, what):
        self.warnings += 1
        self.say("warning", file, what)

    def line(self, file, n, line, torn):
        """Judges line n of a file; torn: it may have been cut short. Gives the record or None."""
        record, kind, why = judge_line(line)
        if torn and kind not in ("exact", "re-encoded"):
            self.unreadable(file, "line %d: cut short, or being written now" % n)
            return None
        if record is None:
            self.unreadable(file, "line %d: %s" % (n, why))
            self.deep += kind == "deep"
            self.blind = self.blind or kind == "deep"
            return None
        if kind in ("altered", "ambiguous"):
            self.bad(file, "line %d: %s: %s" % (n, kind, why))
        elif kind == "re-encoded":
            self.respelled += 1
        self.records += 1
        self.link(file, n, record)
        if kind in ("exact", "re-encoded"):
            self.system(file, n, record)
        return record

    def link(self, file, n, record):
        hash, prev = hash_of(record, "hash"), hash_of(record, "prev_hash")
        self.expected.discard(hash)
        if hash in self.seen:
            self.copies += 1
            self.warn(file, "line %d: copy of an earlier record" % n)
            return
        ts = text_of(record, "ts").decode("utf-8", "replace")
        if prev != self.head and not self.blind:
            if prev == GENESIS:
                self.bad(file, "line %d: second start: another chain begins here" % n)
            elif prev in self.seen and self.raced(prev, ts):
                self.warn(file, "line %d: fork: follows an earlier record, as writers that race do" % n)
            elif prev in self.seen:
                self.bad(file, "line %d: fork: follows an earlier record, and no race explains it" % n)
            else:
                self.bad(file, "line %d: gap: the record that it follows is not before it" % n)
        self.blind = False
        if hash is None:
            return
        self.first = self.first or hash
        self.head = hash
        self.recent.append((hash, prev, ts))
        self.seen.add(hash)
        self.window.append(hash)
        if len(self.window) > WINDOW:
            self.seen.discard(self.window.popleft())

    def raced(self, parent, ts):
        times = [t for h, p, t in self.recent if h == parent]
        times += [t for h, p, t in self.recent if p == parent][:1] if times else []
        return any(near(ts, t) for t in times)

    def system(self, file, n, record):
        payload = record.get("payload")
        if record.get("event") == "audit.break":
            self.bad(file, "line %d: audit.break: the writer found another log than it remembered" % n)
        if record.get("event") == "audit.adopt":
            self.attested.clear()  # what it said so far is about files of another home
        if record.get("event") == "audit.anchor":
            self.say("anchor", file, "line %d: %s" % (n, anchor(payload)))
            self.anchors += 1
        if record.get("event") != "audit.archive" or not isinstance(payload, dict):
            return
        name = payload.get("segment")
        if payload.get("v") != 1:
            self.unreadable(file, "line %d: audit.archive of an unknown version" % n)
        elif isinstance(name, str) and SEGMENT.fullmatch(name):
            said = tuple(hash_of(payload, m) for m in ("sha256", "archived_sha256", "manifest_sha256"))
            if said not in (s for s, _ in self.attested[name]):
                self.attested[name].append((said, "%s line %d" % (file, n)))


def anchor(payload):
    """Says what a person documents in an audit.anchor (rule 8.10). Nothing of it is believed."""

    def part(*names):
        value = payload
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def words(*names):
        return ascii(part(*names))[:200]

    def place(*names):
        value = part(*names)
        return value[:12] if isinstance(value, str) and HASH.fullmatch(value) else "nothing"

    least, most = (number(n) if isinstance(n, float) else "unknown" for n in (part("lost", "records", "min"), part("lost", "records", "max")))
    return "%s documents a break (%s, %s): after %s, up to %s, %s to %s records lost; reason %s" % (
        words("operator"), words("cause"), words("place"), place("before", "hash"), place("lost", "head", "hash"),
        least, most, words("reason"))  # fmt: skip


def near(a, b):
    if not TIME.fullmatch(a) or not TIME.fullmatch(b):
        return False
    try:
        gap = datetime.datetime.fromisoformat(a[:-1]) - datetime.datetime.fromisoformat(b[:-1])
    except ValueError:
        return False
    return abs(gap) <= datetime.timedelta(seconds=60)


# --- What a segment holds (section 17) ---


class Names:
    def __init__(self):
        self.counts, self.other = {}, 0

    def add(self, name):
        if name in self.counts:
            self.counts[name] += 1
        elif len(name) > 256 or len(self.counts) == 1 << 14:
            self.other += 1
        else:
            self.counts[name] = 1

    def summary(self):
        top = sorted(self.counts.items(), key=lambda c: (-c[1], c[0]))
        named = [{"name": n.decode("utf-8", "surrogatepass"), "records": c} for n, c in top[:256]]
        return {"top": named, "other": self.other + sum(c for _, c in top[256:])}


class Tally:
    """What a manifest says of the records of a segment, counted from its lines."""

    def __init__(self, starts):
        self.starts = starts  # raw offsets at which frames begin, as the manifest has them
        self.frames = [[0, "", ""] for _ in starts]  # records, least and greatest ts
        self.frame = -1
        self.records = self.lines = self.bytes = 0
        self.first = self.last = None
        self.ts = [0, "", ""]
        self.events, self.actors, self.system = Names(), Names(), []
        self.full, self.leaves = [], 0
        self.astride = False  # a line lies in two frames
        self.digest = hashlib.sha256()

    def line(self, start, end):
        self.lines += 1
        self.bytes = end
        while self.frame + 1 < len(self.starts) and self.starts[self.frame + 1] <= start:
            self.frame += 1
        if self.frame + 1 < len(self.starts) and self.starts[self.frame + 1] < end:
            self.astride = True

    def record(self, start, record):
        hash = hash_of(record, "hash")
        if hash is None:
            return  # rule 17.9
        self.records += 1
        ts = record.get("ts") if 0 < len(text_of(record, "ts")) <= 64 else ""
        edge = {"ts": ts, "prev_hash": hash_of(record, "prev_hash") or GENESIS, "hash": hash}
        self.first, self.last = self.first or edge, edge
        for at in [self.ts] + self.frames[self.frame : self.frame + 1] * (self.frame >= 0):
            at[0] += 1
            if ts:
                at[1] = min(at[1] or ts, ts, key=code_units)
                at[2] = max(at[2], ts, key=code_units)
        event = text_of(record, "event")
        self.events.add(event)
        self.actors.add(text_of(record, "actor"))
        if event.startswith(b"audit.") and len(self.system) <= 1 << 16:
            name = event.decode("utf-8", "surrogatepass") if len(event) <= 256 else event[:256].decode("utf-8", "replace")
            self.system.append({"event": name, "hash": hash, "offset": start})
        node, n = hashlib.sha256(b"\0" + bytes.fromhex(hash)).digest(), self.leaves
        while n & 1:
            node = hashlib.sha256(b"\1" + self.full.pop() + node).digest()
            n >>= 1
        self.full.append(node)
        self.leaves += 1

    def root(self):
        if not self.full:
            return sha256(b"")
        node = self.full[-1]
        for left in reversed(self.full[:-1]):
            node = hashlib.sha256(b"\1" + left + node).digest()
        return node.hex()

    def summary(self):
        return {
            "first": self.first, "last": self.last, "records": self.records, "lines": self.lines,
            "ts_min": self.ts[1], "ts_max": self.ts[2], "bytes": self.bytes, "sha256": self.digest.hexdigest(),
            "events": self.events.summary(), "actors": self.actors.summary(),
            "system": self.system if len(self.system) <= 1 << 16 else None, "root": self.root(),
        }  # fmt: skip


def code_units(s):
    return s.encode("utf-8", "surrogatepass")


# --- Files ---


def open_regular(path):
    """Opens a regular file for reading; OSError otherwise, so that nothing waits for a FIFO."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError("not a regular file")
    return os.fdopen(fd, "rb")


def digest_of(path):
    digest, size = hashlib.sha256(), 0
    with open_regular(path) as f:
        while True:
            piece = f.read(1 << 20)
            if not piece:
                return digest.hexdigest(), size
            digest.update(piece)
            size += len(piece)


class Unzstd:
    """The plain bytes of an archive, by the zstd command."""

    def __init__(self, path):
        with open_regular(path) as f:
            try:
                self.process = subprocess.Popen(
                    ["zstd", "-dcq"], stdin=f, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except FileNotFoundError:
                raise OSError("the zstd command is not installed") from None
        self.readline, self.read = self.process.stdout.readline, self.process.stdout.read

    def finish(self):
        self.process.stdout.close()
        return self.process.wait() == 0


def lines_of(f, size, digest):
    """Gives start, end and bytes of each line, None for one that is too long; at most size bytes."""
    at = 0
    while size is None or at < size:
        room = MAX_LINE + 1 if size is None else min(MAX_LINE + 1, size - at)
        line = f.readline(room)
        if not line:
            return
        start, piece = at, line
        digest.update(piece)
        at += len(piece)
        while len(line) > MAX_LINE and not piece.endswith(b"\n"):
            line = b"x" * (MAX_LINE + 1)
            piece = f.readline(1 << 20)
            if not piece:
                break
            digest.update(piece)
            at += len(piece)
        yield start, at, None if len(line) > MAX_LINE and line[-1:] != b"\n" else line


def read_segment(judge, file, f, size, tally, live, limit):
    """Judges every line of a segment. Stops behind limit bytes, if there is a limit."""
    n = 0
    for start, end, line in lines_of(f, size, tally.digest):
        n += 1
        tally.line(start, end)
        if limit is not None and end > limit:
            judge.bad(file, "it decompresses to more bytes than the manifest states")
            return False
        if line is None:
            judge.unreadable(file, "line %d: longer than 64 MiB" % n)
            continue
        whole = line.endswith(b"\n")
        if isinstance(f, Unzstd) and not whole and f.process.wait() != 0:
            return True  # where zstd gave up; finish says so
        text = line[:-1] if whole else line
        if text:
            record = judge.line(file, n, text, live and not whole and n > 1)
            if record is not None:
                tally.record(start, record)
    return True


# --- Manifests ---


def read_manifest(judge, path, file):
    """Gives a manifest and its digest, or None and None or the digest after saying what is wrong."""
    try:
        with open_regular(path) as f:
            data = f.read(MAX_MANIFEST + 1)
    except OSError as e:
        judge.unreadable(file, "cannot be opened: %s" % e)
        return None, None
    try:
        value, odd = parse(data if data.count(b",") <= MAX_COMMAS else b"")
        stringify(value)  # not too deep for what follows
    except (ValueError, RecursionError):
        value, odd = None, []
    if len(data) > MAX_MANIFEST or not isinstance(value, dict) or odd:
        judge.bad(file, "not a manifest")
        return None, sha256(data)
    format = value.get("format")
    if format != "opscontext.manifest/1":
        if isinstance(format, str) and format.startswith("opscontext.manifest/"):
            judge.unreadable(file, "manifest of another version")
        else:
            judge.bad(file, "not a manifest")
        return None, sha256(data)
    frames = value["archived"].get("frames") if isinstance(value.get("archived"), dict) else None
    counted = ("offset", "size", "raw_offset", "raw_size")
    if not isinstance(frames, list) or not all(
        isinstance(x, dict) and all(isinstance(x.get(m), float) and 0 <= x[m] < 2**53 and x[m] % 1 == 0 for m in counted)
        for x in frames
    ):
        judge.bad(file, "not a manifest: its frames are no places")
        return None, sha256(data)
    return value, sha256(data)


def check_manifest(judge, file, manifest, base, tally, stored):
    """Compares every member with what was read."""
    want = {"segment": base + ".jsonl", "file": base + ".jsonl.zst", **tally.summary()}
    for name, value in want.items():
        if stringify(manifest.get(name)) != stringify(value):
            judge.bad(file, "%s is not what the segment gives" % name)
    archived = manifest["archived"]
    for name, value in (("codec", "zstd"), ("sha256", stored[0]), ("bytes", stored[1])):
        if stringify(archived.get(name)) != stringify(value):
            judge.bad(file, "archived.%s is not what the compressed file gives" % name)
    at = raw = 0
    for i, (frame, counted) in enumerate(zip(archived["frames"], tally.frames)):
        if (frame["offset"], frame["raw_offset"]) != (at, raw):
            judge.bad(file, "archived.frames[%d] does not begin where the one before ends" % i)
        at, raw = frame["offset"] + frame["size"], frame["raw_offset"] + frame["raw_size"]
        if stringify([frame.get(m) for m in ("records", "ts_min", "ts_max")]) != stringify(counted):
            judge.bad(file, "archived.frames[%d] is not what its records give" % i)
    if raw != tally.bytes:
        judge.bad(file, "archived.frames do not cover the segment")
    if tally.astride:
        judge.bad(file, "archived.frames cut a line in two")


def check_table(judge, path, file, frames):
    """Compares the seek table at the end of an archive (17.5) with the frames of its manifest."""
    with open_regular(path) as f:
        f.seek(-min(9, os.fstat(f.fileno()).st_size), os.SEEK_END)
        end = f.read()
        if len(end) < 9 or end[5:] != struct.pack("<I", 0x8F92EAB1):
            judge.bad(file, "no seek table at its end: it may be cut short")
            return
        width = 12 if end[4] & 0x80 else 8
        covered = int(frames[-1]["offset"] + frames[-1]["size"]) if frames else 0
        f.seek(covered)
        table = f.read(8 + width * len(frames) + 10)
    want = struct.pack("<II", 0x184D2A5E, width * len(frames) + 9)
    fits = len(table) == len(want) + width * len(frames) + 9 and table.startswith(want)
    for i, frame in enumerate(frames if fits else []):
        sizes = struct.unpack_from("<II", table, 8 + width * i)
        fits = fits and sizes == (frame["size"], frame["raw_size"])
    if not fits or end[:4] != struct.pack("<I", len(frames)):
        judge.bad(file, "its seek table is not that of the manifest")


# --- The log ---


def check_sealed(judge, folder, base, forms):
    """Reads one sealed segment and what belongs to it, prints its line, gives the digests."""
    plain, zst, json_name = base + ".jsonl", base + ".jsonl.zst", base + ".manifest.json"
    file = plain if ".jsonl" in forms else zst
    if file == zst and ".jsonl.zst" not in forms:
        judge.bad(json_name, "its segment is gone")
        return {}
    before = judge.wrong + judge.unread
    manifest = manifest_digest = stored = None
    if ".manifest.json" in forms:
        manifest, manifest_digest = read_manifest(judge, os.path.join(folder, json_name), json_name)
        if ".jsonl.zst" not in forms:
            judge.bad(json_name, "there is a manifest, and no archive")
    elif file == zst:
        judge.warn(zst, "it has no manifest")
    starts = [x["raw_offset"] for x in manifest["archived"]["frames"]] if manifest else []
    tally, complete = Tally(starts), True
    at, deep = judge.records, judge.deep
    try:
        if ".jsonl.zst" in forms:
            stored = digest_of(os.path.join(folder, zst))
        if file == plain:
            with open_regular(os.path.join(folder, plain)) as f:
                read_segment(judge, file, f, None, tally, False, None)
            if stored and unzstd_digest(os.path.join(folder, zst)) != tally.digest.hexdigest():
                judge.bad(zst, "it does not decompress to the bytes of %s" % plain)
        else:
            f = Unzstd(os.path.join(folder, zst))
            limit = manifest.get("bytes") if manifest and isinstance(manifest.get("bytes"), float) else None
            complete = read_segment(judge, file, f, None, tally, False, limit)
            if not f.finish() and complete:
                judge.unreadable(zst, "zstd cannot decompress it behind record %d" % tally.records)
                complete = False
            judge.blind = judge.blind or not complete
    except OSError as e:
        judge.unreadable(file, "cannot be read: %s" % e)
        judge.blind, complete = True, False
    complete = complete and judge.deep == deep
    if manifest and stored and complete:
        check_manifest(judge, json_name, manifest, base, tally, stored)
        check_table(judge, os.path.join(folder, zst), zst, manifest["archived"]["frames"])
    elif manifest and stored and manifest["archived"].get("sha256") != stored[0]:
        judge.bad(json_name, "archived.sha256 is not what the compressed file gives")
    hidden(judge, file)
    remark = "see above" if judge.wrong + judge.unread > before else "manifest agrees" if manifest else "no manifest"
    segment_line(file, judge.records - at, remark)
    raw = tally.digest.hexdigest() if complete else None
    return {"raw": raw, "stored": stored[0] if stored else None, "manifest": manifest_digest}


def unzstd_digest(path):
    f, digest = Unzstd(path), hashlib.sha256()
    for piece in iter(lambda: f.read(1 << 20), b""):
        digest.update(piece)
    return digest.hexdigest() if f.finish() else None


def hidden(judge, file):
    if judge.messages[file] > SHOWN:
        print("         %s: %d more messages" % (file, judge.messages[file] - SHOWN))


def segment_line(file, records, remark):
    print("segment  %s: %d records; %s" % (file, records, remark))


def check_attestations(judge, digests):
    """Compares what audit.archive records say with the files; gives how many archives they vouch for."""
    vouched = 0
    for name in sorted(set(judge.attested) - set(digests)):
        judge.bad(name, "it is gone: %s says that it was archived" % judge.attested[name][-1][1])
    for name, have in digests.items():
        said = judge.attested.get(name)
        if not said and have.get("stored"):
            judge.warn(name, "no audit.archive record vouches for its archive")
        if not said:
            continue
        place = said[-1][1]
        before = judge.wrong
        for what, part, i in (("plain bytes", "raw", 0), ("compressed file", "stored", 1), ("manifest", "manifest", 2)):
            if have.get(part) and have[part] not in (s[i] for s, _ in said):
                judge.bad(name, "its %s is not what %s vouches for" % (what, place))
        vouched += judge.wrong == before and have.get("stored") is not None
    return vouched


def check(home, expected):
    judge, folder = Judge(expected), os.path.join(home, "audit-archive")
    live, size, inode = None, 0, None
    try:
        live = open_regular(os.path.join(home, "audit.log"))
        inode = os.fstat(live.fileno()).st_ino
    except FileNotFoundError:
        pass
    except OSError as e:
        judge.unreadable("audit.log", "cannot be opened: %s" % e)
    found = collections.defaultdict(set)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        names = []
    except OSError as e:
        names = []
        judge.unreadable("audit-archive", "cannot be listed: %s" % e)
    for name in sorted(names):
        match = SEGMENT.fullmatch(name)
        if name.endswith(".idx") and SEGMENT.fullmatch(name[:-4] + ".jsonl"):
            continue  # a search index: derived, and no evidence
        if not match or int(match[1]) == 0:
            print("note     audit-archive: %s is not part of the log and was not read" % ascii(name))
        elif inode is None or os.lstat(os.path.join(folder, name)).st_ino != inode:  # else a rotation is at work
            found[int(match[1]), int(match[2] or 0)].add(match[3])
    if live:
        if not os.path.exists(os.path.join(home, "audit.log")) or os.stat(os.path.join(home, "audit.log")).st_ino != inode:
            judge.unreadable("audit.log", "it was rotated just now; run this again")
        size = os.fstat(live.fileno()).st_size
    digests, archives = {}, 0
    for number, block in sorted(found):
        base = "audit-%04d" % number + ("-r%d" % block if block else "")
        forms = found[number, block]
        archives += ".jsonl.zst" in forms
        digests[base + ".jsonl"] = check_sealed(judge, folder, base, forms)
    if live:
        at, before, tally = judge.records, judge.wrong + judge.unread, Tally([])
        with live:
            read_segment(judge, "audit.log", live, size, tally, True, None)
        if tally.bytes < size:
            judge.unreadable("audit.log", "it became shorter while it was read")
        hidden(judge, "audit.log")
        segment_line("audit.log", judge.records - at, "see above" if judge.wrong + judge.unread > before else "live")
    if found and not size:
        judge.bad("audit.log", "it is missing or empty, and there are sealed segments")
    vouched = check_attestations(judge, digests)
    for hash in sorted(judge.expected):
        judge.bad("log", "no record has the hash %s" % hash)
    return verdict(judge, len(found) + bool(live), archives, vouched)


def verdict(judge, segments, archives, vouched):
    if judge.first:
        print("log id   %s\nhead     %s" % (judge.first, judge.head))
    if judge.respelled:
        print("note     %d records are not in the usual spelling; their values match their hashes" % judge.respelled)
    if judge.anchors:
        print("note     %d breaks are documented, see above; what is documented is WRONG here all the same" % judge.anchors)
    read = "%d records in %d segments, %d archived, %d vouched for; %d copies, %d warnings" % (
        judge.records, segments, archives, vouched, judge.copies, judge.warnings)  # fmt: skip
    if judge.wrong:
        print("verdict  WRONG: %d things are wrong, %d could not be read; %s" % (judge.wrong, judge.unread, read))
        return 3
    if judge.unread or not judge.records:
        print("verdict  INCOMPLETE: %d things could not be read; %s" % (judge.unread, read))
        return 5
    print("verdict  nothing wrong found; %s" % read)
    return 0


def main(args):
    if not args or args[0].startswith("-") or not all(HASH.fullmatch(a) for a in args[1:]):
        print("usage: python3 verify.py HOME [HASH...]", file=sys.stderr)
        return 64
    try:
        return check(args[0], args[1:])
    except OSError as e:
        print("verdict  INCOMPLETE: stopped: %s" % e)
        return 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
