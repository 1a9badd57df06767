package chain

import (
	"fmt"

	"github.com/opscontext/opscontext/internal/ecmajson"
)

// KindArchive is the kind of the record that binds an archived segment to the chain.
const KindArchive = "audit.archive"

// ArchiveVersion is the version of the audit.archive payload.
const ArchiveVersion = 1

// Archive is the payload of audit.archive: a sealed segment was compressed, the compressed file was
// read back and holds its bytes, and this is what it and its manifest hash to. With LogID,
// Incarnation and Index, a lost manifest can be made again from the compressed file alone.
type Archive struct {
	Segment     string // file name of the plain segment
	LogID       Hash
	Incarnation int
	Index       int64 // of the segment's first record, as counted when it was archived
	SHA256      Hash  // of the plain segment
	Archived    Hash  // of the compressed file
	Manifest    Hash  // of the manifest file
	Tool        string
}

// Payload is the JSON text of p.
func (p Archive) Payload() []byte {
	return object(num("v", ArchiveVersion), str("segment", p.Segment), hash("log_id", p.LogID),
		num("incarnation", int64(p.Incarnation)), num("index", p.Index), hash("sha256", p.SHA256),
		hash("archived_sha256", p.Archived), hash("manifest_sha256", p.Manifest), str("tool", p.Tool))
}

// ParseArchive reads the payload of an audit.archive.
func ParseArchive(payload ecmajson.Value) (Archive, error) {
	g := getter{v: payload}
	if v := g.num("v"); g.err == nil && v != ArchiveVersion {
		return Archive{}, fmt.Errorf("audit.archive version %d: %w", v, ErrUnknownVersion)
	}
	p := Archive{Segment: g.str("segment"), LogID: g.hash("log_id"), Incarnation: int(g.num("incarnation")), Index: g.num("index"),
		SHA256: g.hash("sha256"), Archived: g.hash("archived_sha256"), Manifest: g.hash("manifest_sha256")}
	g.optional = true
	p.Tool = g.str("tool")
	return p, g.err
}
