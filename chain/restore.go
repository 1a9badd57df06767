package chain

import (
	"fmt"
	"slices"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// Disposition says what records that came back were put back as.
type Disposition string

// The dispositions.
const (
	// PutInGap: a block in a file of its own, read between the records that it links.
	PutInGap Disposition = "gap"
	// PutAsBranch: records that a documented break calls lost; they are kept beside the log.
	PutAsBranch Disposition = "branch"
	// PutForSegment: a whole segment, in the place of its damaged file.
	PutForSegment Disposition = "segment"
)

// Restore is the payload of audit.restore: records came back from a backup. Existing writers know the
// members up to Reason only; the others are then zero, and what they put back is a block in a gap.
type Restore struct {
	Segment     string // file name of what was put there
	After       string // file name of the segment that it is read after, "" for the start of the log
	Records     int64
	FirstHash   Hash
	LastHash    Hash
	FirstTS     string
	LastTS      string
	Source      string // what was given to restore from, by its last element
	Reason      string
	Disposition Disposition
	SHA256      Hash   // of the file that was put there
	From        []File // files of the source that the records were taken from
	Kept        File   // the damaged file that was moved away, zero if none was
	Operator    string
	RecordedBy  Recorder
}

// File is a file by name and content.
type File struct {
	Name   string
	Bytes  int64
	SHA256 Hash
}

func (f File) value() ecmajson.Value {
	if f == (File{}) {
		return ecmajson.Value{Kind: ecmajson.Null}
	}
	return value(str("name", f.Name), num("bytes", f.Bytes), hash("sha256", f.SHA256))
}

// Payload is the JSON text of p.
func (p Restore) Payload() []byte {
	from := ecmajson.Value{Kind: ecmajson.Array}
	for _, f := range p.From {
		from.Elems = append(from.Elems, f.value())
	}
	return object(str("segment", p.Segment), str("after", p.After), num("records", p.Records), hash("first_hash", p.FirstHash),
		hash("last_hash", p.LastHash), str("first_ts", p.FirstTS), str("last_ts", p.LastTS), str("source", p.Source), str("reason", p.Reason),
		str("disposition", string(p.Disposition)), hash("sha256", p.SHA256), ecmajson.Member{Name: "from", Value: from},
		ecmajson.Member{Name: "kept", Value: p.Kept.value()}, str("operator", p.Operator), p.RecordedBy.member())
}

// ParseRestore reads the payload of an audit.restore.
func ParseRestore(payload ecmajson.Value) (Restore, error) {
	g := getter{v: payload}
	p := Restore{Segment: g.str("segment"), Records: g.num("records"), FirstHash: g.hash("first_hash"), LastHash: g.hash("last_hash"), Disposition: PutInGap}
	g.optional = true
	p.After, p.FirstTS, p.LastTS, p.Source, p.Reason = g.str("after"), g.str("first_ts"), g.str("last_ts"), g.str("source"), g.str("reason")
	if _, ours := payload.Member("disposition"); !ours {
		return p, g.err
	}
	g.optional = false
	p.Disposition, p.SHA256, p.Operator, p.RecordedBy = Disposition(g.str("disposition")), g.hash("sha256"), g.str("operator"), g.recorder()
	if !slices.Contains([]Disposition{PutInGap, PutAsBranch, PutForSegment}, p.Disposition) {
		g.note(fmt.Errorf("disposition %q is none of the words it can be", clip(string(p.Disposition))))
	}
	from, _ := g.member("from", ecmajson.Array)
	for _, e := range from.Elems {
		p.From = append(p.From, g.file(e))
	}
	if m, ok := payload.Member("kept"); ok && m.Kind != ecmajson.Null {
		p.Kept = g.file(m)
	}
	return p, g.err
}

// file reads a file by name and content.
func (g *getter) file(v ecmajson.Value) File {
	o := getter{v: v}
	f := File{Name: o.str("name"), Bytes: o.num("bytes"), SHA256: o.hash("sha256")}
	g.note(o.err)
	return f
}

// restores lists what the chain says of records that came back, and reports branches that are not
// kept beside the log any more.
func (f *finder) restores(walk []*item) {
	for _, it := range walk {
		if it.kind != KindRestore || !it.class.Whole() || f.l.isCopy(it.Record) {
			continue
		}
		p, err := ParseRestore(it.payload())
		if err != nil {
			continue // existing writers' payloads are free; nothing is claimed
		}
		f.v.Restores = append(f.v.Restores, p)
		kept := func(s Stretch) bool { return s.First == p.FirstHash && s.Head == p.LastHash && s.Records == p.Records }
		if p.Disposition == PutAsBranch && !slices.ContainsFunc(f.rules.Branches, kept) {
			f.add(RotateMismatch, it, fmt.Sprintf("it names a branch of %d records from %s to %s that is kept beside the log, and none is there whole",
				p.Records, p.FirstHash.Short(), p.LastHash.Short()))
		}
	}
}

// isBranch reports whether an audit.restore is about records that are not in reading order.
func isBranch(it *item) bool {
	p, err := ParseRestore(it.payload())
	return it.kind == KindRestore && err == nil && p.Disposition == PutAsBranch
}
