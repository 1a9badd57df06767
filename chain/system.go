package chain

import (
	"fmt"
	"strings"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Kinds of system records. Only the log itself writes kinds that start with [SystemPrefix].
const (
	SystemPrefix     = "audit."
	KindRotate       = "audit.rotate"
	KindRestore      = "audit.restore"
	KindTornTail     = "audit.torn_tail"
	KindAppendFailed = "audit.append_failed"
	KindRedact       = "audit.redact"
	KindBreak        = "audit.break"
	KindAnchor       = "audit.anchor"
	KindImport       = "audit.import"
	KindAdopt        = "audit.adopt"
)

// SystemActor is the actor of records that the log writes about itself.
const SystemActor = "system"

// IsSystem reports whether kind is reserved for the log itself.
func IsSystem(kind string) bool { return strings.HasPrefix(kind, SystemPrefix) }

// Rotation reasons.
const (
	ReasonSize   = "size"
	ReasonPeriod = "period"
	ReasonManual = "manual"
)

// Rotate is the payload of audit.rotate, the first record of a new segment: which segment was
// sealed before it. Existing writers know the first five members only; the others are then zero.
type Rotate struct {
	Segment     string // file name of the sealed segment
	Records     int64  // archived_records
	FirstHash   Hash
	LastHash    Hash
	Cutoff      string
	LogID       Hash
	Incarnation int
	Reason      string
	Machine     string
}

// Payload is the JSON text of p.
func (p Rotate) Payload() []byte {
	return object(
		str("segment", p.Segment), num("archived_records", p.Records), hash("first_hash", p.FirstHash),
		hash("last_hash", p.LastHash), str("cutoff", p.Cutoff), hash("log_id", p.LogID),
		num("incarnation", int64(p.Incarnation)), str("reason", p.Reason), str("machine", p.Machine))
}

// ParseRotate reads the payload of an audit.rotate, or the part of an audit.restore that names a run
// of records in the same way. Members that existing writers do not know may be absent.
func ParseRotate(kind string, payload ecmajson.Value) (Rotate, error) {
	count := "archived_records"
	if kind == KindRestore {
		count = "records"
	}
	g := getter{v: payload}
	p := Rotate{Segment: g.str("segment"), Records: g.num(count), FirstHash: g.hash("first_hash"), LastHash: g.hash("last_hash")}
	g.optional = true
	p.Cutoff, p.LogID, p.Incarnation = g.str("cutoff"), g.hash("log_id"), int(g.num("incarnation"))
	p.Reason, p.Machine = g.str("reason"), g.str("machine")
	return p, g.err
}

// TornTail is the payload of audit.torn_tail: the fragment of a record cut short was moved to Kept.
type TornTail struct {
	Kept   string // file name in the home, or audit-quarantine/ and a file name
	Bytes  int64
	SHA256 Hash
	Note   string
}

// Notes of a torn tail: the first is the one existing writers give. The last is of complete lines
// that are no records, which a person had set aside.
const (
	NoteTorn  = "the last record was cut short (full disk or crash); its bytes were moved to the kept file and the log continues from the last complete record"
	NoteGhost = "a sync failed and these bytes were not on the medium; none of them was acknowledged; they were moved to the kept file and the log continues from the last record that is on the medium"
	NoteOdd   = "the last lines were complete and no records, so that nothing could be chained upon them; their bytes were moved to the kept file and the log continues from the last record"
)

// Payload is the JSON text of p.
func (p TornTail) Payload() []byte {
	return object(str("kept", p.Kept), num("bytes", p.Bytes), hash("sha256", p.SHA256), str("note", p.Note))
}

// Count is how often something was seen.
type Count struct {
	Name  string
	Count int64
}

// AppendFailed is the payload of audit.append_failed: appends that failed before this record and
// are not on the chain.
type AppendFailed struct {
	Count  int64
	First  string // ts of the first and the last of them
	Last   string
	Events []Count // by event kind, in order of first appearance
	Errors []Count // by error text, in order of first appearance
	PIDs   []int64
}

// Payload is the JSON text of p.
func (p AppendFailed) Payload() []byte {
	counts := func(cs []Count) ecmajson.Value {
		ms := make([]ecmajson.Member, len(cs))
		for i, c := range cs {
			ms[i] = num(c.Name, c.Count)
		}
		return ecmajson.Value{Kind: ecmajson.Object, Members: ms}
	}
	pids := ecmajson.Value{Kind: ecmajson.Array}
	for _, pid := range p.PIDs {
		pids.Elems = append(pids.Elems, number(pid))
	}
	return object(num("count", p.Count), str("first", p.First), str("last", p.Last),
		ecmajson.Member{Name: "events", Value: counts(p.Events)},
		ecmajson.Member{Name: "errors", Value: counts(p.Errors)},
		ecmajson.Member{Name: "pids", Value: pids})
}

// Break is the payload of audit.break: the machine itself says that the log it found is not the
// one it remembers. It documents nothing away: verify reports Found until a person does.
type Break struct {
	Found       Class // rolled-back, diverged, replaced or live-missing
	LogID       Hash  // of the log that was found
	Incarnation int
	Remembered  Remembered
	Surviving   Surviving
	Lost        Bounds
}

// Remembered is what the mark and the points said.
type Remembered struct {
	LogID       Hash
	Incarnation int
	Segment     int64
	Offset      int64 // bytes into the segment at which the head's line ended
	Head        Hash
	Records     int64 // up to the head, UnknownCount where nobody has counted
	Points      []RememberedPoint
}

// RememberedPoint is a remembered place that matters: the last that agrees, the first that does not.
type RememberedPoint struct {
	Segment int64
	Offset  int64
	Hash    Hash
	TS      string
	Agrees  string // "yes", "no" or "absent"
}

// Surviving is what was found instead.
type Surviving struct {
	File   string // empty if no file was left
	Bytes  int64
	SHA256 Hash // of the file's last MiB, or of all of it if shorter
	Head   Hash // Genesis if no record was left
}

// Bounds is a number of records that is known exactly (Min = Max) or within limits.
// Max is UnknownCount where nothing bounds it.
type Bounds struct{ Min, Max int64 }

// UnknownCount stands where nobody has counted; null on disk.
const UnknownCount = -1

// BreakVersion is the version of the audit.break payload.
const BreakVersion = 1

// Payload is the JSON text of p.
func (p Break) Payload() []byte {
	points := ecmajson.Value{Kind: ecmajson.Array}
	for _, q := range p.Remembered.Points {
		points.Elems = append(points.Elems, value(num("segment", q.Segment), num("offset", q.Offset), hash("hash", q.Hash), str("ts", q.TS), str("agrees", q.Agrees)))
	}
	r, s := p.Remembered, p.Surviving
	return object(
		num("v", BreakVersion), str("found", string(p.Found)), hash("log_id", p.LogID), num("incarnation", int64(p.Incarnation)),
		ecmajson.Member{Name: "remembered", Value: value(hash("log_id", r.LogID), num("incarnation", int64(r.Incarnation)), num("segment", r.Segment),
			num("offset", r.Offset), hash("head", r.Head), num("records", r.Records), ecmajson.Member{Name: "points", Value: points})},
		ecmajson.Member{Name: "surviving", Value: value(str("file", s.File), num("bytes", s.Bytes), hash("sha256", s.SHA256), hash("head", s.Head))},
		ecmajson.Member{Name: "lost", Value: value(num("min", p.Lost.Min), num("max", p.Lost.Max))})
}

// ParseBreak reads the payload of an audit.break.
func ParseBreak(payload ecmajson.Value) (Break, error) {
	g := getter{v: payload}
	if v := g.num("v"); g.err == nil && v != BreakVersion {
		return Break{}, fmt.Errorf("audit.break version %d: %w", v, ErrUnknownVersion)
	}
	p := Break{Found: Class(g.str("found")), LogID: g.hash("log_id"), Incarnation: int(g.num("incarnation"))}
	r := g.object("remembered")
	p.Remembered = Remembered{LogID: r.hash("log_id"), Incarnation: int(r.num("incarnation")), Segment: r.num("segment"),
		Offset: r.num("offset"), Head: r.hash("head"), Records: r.count("records")}
	points, _ := r.v.Member("points")
	for _, e := range points.Elems {
		q := getter{v: e}
		p.Remembered.Points = append(p.Remembered.Points, RememberedPoint{Segment: q.num("segment"), Offset: q.num("offset"),
			Hash: q.hash("hash"), TS: q.str("ts"), Agrees: q.str("agrees")})
		g.note(q.err)
	}
	s := g.object("surviving")
	p.Surviving = Surviving{File: s.str("file"), Bytes: s.num("bytes"), SHA256: s.hash("sha256"), Head: s.hash("head")}
	l := g.object("lost")
	p.Lost = Bounds{Min: l.count("min"), Max: l.count("max")}
	g.note(r.err)
	g.note(s.err)
	g.note(l.err)
	switch p.Found {
	case RolledBack, Diverged, Replaced, LiveMissing:
	default:
		g.note(fmt.Errorf("found %q is none of the words it can be", clip(string(p.Found))))
	}
	return p, g.err
}
