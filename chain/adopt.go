package chain

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// AdoptVersion is the version of the audit.adopt payload.
const AdoptVersion = 1

// Adopt is the payload of audit.adopt: the records before it were brought over from another home,
// byte for byte. What audit.archive records before it say is about files of that home.
type Adopt struct {
	LogID      Hash // of the log; Genesis if its first record is not there
	Records    int64
	FirstHash  Hash // of the first and the last record brought over
	LastHash   Hash
	Sources    []AdoptedFile // in reading order
	Left       *Fragment     // what followed the last LF of the live log; nil if nothing did
	Known      Known
	RecordedBy Recorder
}

// AdoptedFile is a file of the old home, as far as it was brought over. Bytes and SHA256 are of the
// JSON lines, before any compression.
type AdoptedFile struct {
	File    string // relative to the old home, with slashes
	Records int64
	Bytes   int64
	SHA256  Hash
}

// Fragment is bytes that were left where they were.
type Fragment struct {
	File   string // relative to the old home
	Bytes  int64
	SHA256 Hash
}

// Known is what a verification of the old home said before it was adopted.
type Known struct {
	Verdict  string
	Counts   []Count         // records or places by class, by name
	Findings []FindingByHash // of records, as many as there is room for
}

// FindingByHash is a finding about a record.
type FindingByHash struct {
	Class Class
	Hash  Hash
}

// Payload is the JSON text of p.
func (p Adopt) Payload() []byte {
	sources, findings := ecmajson.Value{Kind: ecmajson.Array}, ecmajson.Value{Kind: ecmajson.Array}
	for _, s := range p.Sources {
		sources.Elems = append(sources.Elems, value(str("file", s.File), num("records", s.Records), num("bytes", s.Bytes), hash("sha256", s.SHA256)))
	}
	for _, f := range p.Known.Findings {
		findings.Elems = append(findings.Elems, value(str("class", string(f.Class)), hash("hash", f.Hash)))
	}
	counts := make([]ecmajson.Member, len(p.Known.Counts))
	for i, c := range p.Known.Counts {
		counts[i] = num(c.Name, c.Count)
	}
	left := ecmajson.Value{Kind: ecmajson.Null}
	if l := p.Left; l != nil {
		left = value(str("file", l.File), num("bytes", l.Bytes), hash("sha256", l.SHA256))
	}
	return object(
		num("v", AdoptVersion), hash("log_id", p.LogID), num("records", p.Records), hash("first_hash", p.FirstHash), hash("last_hash", p.LastHash),
		ecmajson.Member{Name: "sources", Value: sources},
		ecmajson.Member{Name: "left", Value: left},
		ecmajson.Member{Name: "known", Value: value(str("verdict", p.Known.Verdict),
			ecmajson.Member{Name: "counts", Value: value(counts...)},
			ecmajson.Member{Name: "findings", Value: findings})},
		p.RecordedBy.member())
}

// ParseAdopt reads the payload of an audit.adopt.
func ParseAdopt(payload ecmajson.Value) (Adopt, error) {
	g := getter{v: payload}
	if v := g.num("v"); g.err == nil && v != AdoptVersion {
		return Adopt{}, fmt.Errorf("audit.adopt version %d: %w", v, ErrUnknownVersion)
	}
	p := Adopt{LogID: g.hash("log_id"), Records: g.num("records"), FirstHash: g.hash("first_hash"), LastHash: g.hash("last_hash")}
	sources, _ := g.member("sources", ecmajson.Array)
	for _, e := range sources.Elems {
		s := getter{v: e}
		p.Sources = append(p.Sources, AdoptedFile{File: s.str("file"), Records: s.num("records"), Bytes: s.num("bytes"), SHA256: s.hash("sha256")})
		g.note(s.err)
	}
	if left, _ := payload.Member("left"); left.Kind != ecmajson.Null {
		l := g.object("left")
		p.Left = &Fragment{File: l.str("file"), Bytes: l.num("bytes"), SHA256: l.hash("sha256")}
		g.note(l.err)
	}
	k := g.object("known")
	p.Known.Verdict = k.str("verdict")
	counts, _ := k.member("counts", ecmajson.Object)
	for _, m := range counts.Members {
		c := getter{v: counts}
		p.Known.Counts = append(p.Known.Counts, Count{Name: m.Name, Count: c.num(m.Name)})
		k.note(c.err)
	}
	findings, _ := k.member("findings", ecmajson.Array)
	for _, e := range findings.Elems {
		f := getter{v: e}
		p.Known.Findings = append(p.Known.Findings, FindingByHash{Class: Class(f.str("class")), Hash: f.hash("hash")})
		k.note(f.err)
	}
	g.note(k.err)
	p.RecordedBy = g.recorder()
	return p, g.err
}
