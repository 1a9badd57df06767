package chain

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// ImportVersion is the version of the audit.import payload.
const ImportVersion = 1

// Import is the payload of audit.import, which closes an import: that many events of a source, all of
// them, are records of this log now, in the order of the source, from FirstHash to LastHash. Between
// them may be records of other writers and of the log itself.
type Import struct {
	Source    string // name of the file, without its directory
	SHA256    Hash   // of the source's bytes
	Bytes     int64
	Records   int64
	FirstHash Hash
	LastHash  Hash
	KeepTime  bool  // the records' times are what the source says; else they are those of the import
	BackDated bool  // the first of them is earlier than the record that was the head before
	Ignored   int64 // lines of which members were left out, because a record has none such
	By        Recorder
}

// Payload is the JSON text of p.
func (p Import) Payload() []byte {
	return object(num("v", ImportVersion), str("source", p.Source), hash("sha256", p.SHA256), num("bytes", p.Bytes),
		num("records", p.Records), hash("first_hash", p.FirstHash), hash("last_hash", p.LastHash),
		truth("keep_time", p.KeepTime), truth("back_dated", p.BackDated), num("ignored", p.Ignored), p.By.member())
}

// ParseImport reads the payload of an audit.import.
func ParseImport(payload ecmajson.Value) (Import, error) {
	g := getter{v: payload}
	if v := g.num("v"); g.err == nil && v != ImportVersion {
		return Import{}, fmt.Errorf("audit.import version %d: %w", v, ErrUnknownVersion)
	}
	p := Import{Source: g.str("source"), SHA256: g.hash("sha256"), Bytes: g.num("bytes"), Records: g.num("records"),
		FirstHash: g.hash("first_hash"), LastHash: g.hash("last_hash"), KeepTime: g.truth("keep_time"), BackDated: g.truth("back_dated"),
		By: g.recorder()}
	g.optional = true
	p.Ignored = g.num("ignored")
	return p, g.err
}

func truth(name string, b bool) ecmajson.Member {
	return ecmajson.Member{Name: name, Value: ecmajson.Value{Kind: ecmajson.Bool, Bool: b}}
}

func (g *getter) truth(name string) bool {
	m, _ := g.member(name, ecmajson.Bool)
	return m.Bool
}
