package archive

import (
	"crypto/sha256"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/ecmajson"
	"github.com/opscontext/opscontext/segment"
)

// ManifestFormat is the format member of the manifests written here. Members may be added to it
// without a new name; where the number behind the slash is another, nothing of a manifest is read.
const ManifestFormat = manifestFamily + "1"

const manifestFamily = "opscontext.manifest/"

// CodecZstd is the codec of archived segments: standard zstd in independent frames with a seek table.
const CodecZstd = "zstd"

// Limits of what a manifest lists.
const (
	// TopNames is how many names [Counts] lists.
	TopNames = 256
	// MaxSystem is how many system records a manifest lists.
	MaxSystem = 1 << 16
	maxName   = 256     // bytes of a name that is counted by itself
	maxNames  = 1 << 14 // names of a segment that are counted by themselves
	maxTS     = 64      // bytes of a ts that counts as one
)

// Manifest says what an archived segment holds. It is a function of the compressed file and of LogID,
// Incarnation and Index, which the audit.archive record keeps: whoever has those can make it again,
// byte for byte.
type Manifest struct {
	LogID       chain.Hash
	Incarnation int
	Segment     segment.Name
	Index       int64 // position of the first record in the log, as counted when it was archived
	// First and Last are the first and the last record; nil if there is none.
	First, Last  *Edge
	Records      int64  // lines that can be chained upon, see [chain.OutlineOf]
	Lines        int64  // all lines, blank ones included
	TSMin, TSMax string // of all records, in the order of text; empty if no record has a ts
	Bytes        int64  // of the plain segment
	SHA256       chain.Hash
	Archived     Archived
	Events       Counts
	Actors       Counts
	// System is every record of a kind that starts with audit., in order. More than MaxSystem of
	// them are not listed: it is then nil, and whoever wants them reads the segment.
	System []SystemRecord
	Root   chain.Hash // RFC 6962, over the hashes of the records, 32 bytes each
}

// Edge is the first or last record of a segment.
type Edge struct {
	TS         string
	Prev, Hash chain.Hash
}

// Archived describes the compressed file.
type Archived struct {
	Codec  string
	Bytes  int64
	SHA256 chain.Hash
	Frames []Frame
}

// Frame is one independent piece of the compressed file. Offsets and sizes are in bytes.
type Frame struct {
	Offset, Size       int64 // in the compressed file
	RawOffset, RawSize int64 // in the plain segment
	Records            int64
	TSMin, TSMax       string // empty if no record in it has a ts
}

func (f *Frame) place() place { return place{f.Offset, f.Size, f.RawOffset, f.RawSize} }

// Counts is how many records bear which name: the TopNames most frequent ones, and how many records
// bear any other. Names over 256 bytes, and new ones after the first 16,384 of a segment, are among
// the others.
type Counts struct {
	Top   []chain.Count // most frequent first, then by name
	Other int64
}

// SystemRecord is a record that the log wrote about itself.
type SystemRecord struct {
	Event  string
	Hash   chain.Hash
	Offset int64 // of its line in the plain segment
}

// Encode gives the manifest file: one line of JSON in the spelling of JSON.stringify, and an LF.
func (m *Manifest) Encode() []byte {
	v := obj(
		str("format", ManifestFormat), str("log_id", m.LogID.String()), num("incarnation", int64(m.Incarnation)),
		str("segment", m.Segment.File(segment.FormPlain)), str("file", m.Segment.File(segment.FormZstd)), num("index", m.Index),
		mem("first", m.First.value()), mem("last", m.Last.value()), num("records", m.Records), num("lines", m.Lines),
		str("ts_min", m.TSMin), str("ts_max", m.TSMax), num("bytes", m.Bytes), str("sha256", m.SHA256.String()),
		mem("archived", m.Archived.value()), mem("events", m.Events.value()), mem("actors", m.Actors.value()),
		mem("system", m.systemValue()), str("root", m.Root.String()))
	return append(ecmajson.AppendStringify(nil, v), '\n')
}

// Digest is the SHA-256 of a manifest file's bytes, by which the chain vouches for it.
func Digest(file []byte) chain.Hash { return sha256.Sum256(file) }

func (e *Edge) value() ecmajson.Value {
	if e == nil {
		return ecmajson.Value{Kind: ecmajson.Null}
	}
	return obj(str("ts", e.TS), str("prev_hash", e.Prev.String()), str("hash", e.Hash.String()))
}

func (a *Archived) value() ecmajson.Value {
	frames := list(len(a.Frames), func(i int) ecmajson.Value {
		f := &a.Frames[i]
		return obj(num("offset", f.Offset), num("size", f.Size), num("raw_offset", f.RawOffset), num("raw_size", f.RawSize),
			num("records", f.Records), str("ts_min", f.TSMin), str("ts_max", f.TSMax))
	})
	return obj(str("codec", a.Codec), num("bytes", a.Bytes), str("sha256", a.SHA256.String()), mem("frames", frames))
}

func (c *Counts) value() ecmajson.Value {
	top := list(len(c.Top), func(i int) ecmajson.Value {
		return obj(str("name", c.Top[i].Name), num("records", c.Top[i].Count))
	})
	return obj(mem("top", top), num("other", c.Other))
}

func (m *Manifest) systemValue() ecmajson.Value {
	if m.System == nil {
		return ecmajson.Value{Kind: ecmajson.Null}
	}
	return list(len(m.System), func(i int) ecmajson.Value {
		s := &m.System[i]
		return obj(str("event", s.Event), str("hash", s.Hash.String()), num("offset", s.Offset))
	})
}

// The constructors of values: obj of members, of which str, num and mem are one each.

func obj(ms ...ecmajson.Member) ecmajson.Value {
	return ecmajson.Value{Kind: ecmajson.Object, Members: ms}
}

func mem(name string, v ecmajson.Value) ecmajson.Member { return ecmajson.Member{Name: name, Value: v} }

func str(name, s string) ecmajson.Member {
	return mem(name, ecmajson.Value{Kind: ecmajson.String, Str: s})
}

func num(name string, n int64) ecmajson.Member {
	return mem(name, ecmajson.Value{Kind: ecmajson.Number, Num: float64(n)})
}

func list(n int, at func(int) ecmajson.Value) ecmajson.Value {
	v := ecmajson.Value{Kind: ecmajson.Array, Elems: make([]ecmajson.Value, n)}
	for i := range v.Elems {
		v.Elems[i] = at(i)
	}
	return v
}
