package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/report"
)

// ManifestName is the file in a backup that says what it holds. It is written last.
const ManifestName = "backup.json"

const (
	manifestFamily = "opscontext.backup/"
	// ManifestFormat names this form of the manifest. Members may be added to it without a new name.
	ManifestFormat = manifestFamily + "1"
	// maxManifest bounds a manifest, in bytes.
	maxManifest = 1 << 28
)

// ErrManifest says that a file is no manifest of a backup.
var ErrManifest = errors.New("not a manifest of a backup")

// Manifest says what a backup holds, and of which moment.
type Manifest struct {
	Format      string         `json:"format"`
	LogID       string         `json:"log_id"` // empty if nothing shows it
	Incarnation int            `json:"incarnation"`
	Head        *report.Head   `json:"head"` // null if there is no record
	Records     int64          `json:"records"`
	Verdict     string         `json:"verdict"` // on the copy
	Exit        int            `json:"exit"`    // of that verdict
	TakenAt     string         `json:"taken_at"`
	Home        string         `json:"home"` // its real path
	RecordedBy  chain.Recorder `json:"recorded_by"`
	Files       []File         `json:"files"` // by name
}

// File is a file of the backup.
type File struct {
	Name   string `json:"name"` // relative, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Mode   string `json:"mode"`    // in the home, four octal digits; in the backup if it is not in the home
	InHome bool   `json:"in_home"` // false: the home has lost it
}

// Encode gives the manifest as it is on disk: one JSON object, with a line for each file, so that the
// usual tools read what they need of it.
func (m *Manifest) Encode() ([]byte, error) {
	head := *m
	head.Files = []File{}
	text, err := compact(head)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(text, []byte("]}")))
	for i, f := range m.Files {
		if i > 0 {
			b.WriteByte(',')
		}
		line, err := compact(f)
		if err != nil {
			return nil, err
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}

// compact is v as JSON without white space, with no character escaped that need not be.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// ParseManifest reads what Encode gives. A manifest of another version is chain.ErrUnknownVersion,
// anything else ErrManifest. Nothing that it says is more than a claim.
func ParseManifest(text []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	switch {
	case m.Format == ManifestFormat:
		return &m, nil
	case strings.HasPrefix(m.Format, manifestFamily):
		return nil, fmt.Errorf("%s: %w", m.Format, chain.ErrUnknownVersion)
	}
	return nil, fmt.Errorf("%w: its format is %.100q", ErrManifest, m.Format)
}

func readManifest(fsys durable.FS, path string) (text []byte, err error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(text) > maxManifest {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrManifest}
	}
	return text, err
}

// sum is what the manifest says of a file.
func (m *Manifest) sum(name string) (chain.Hash, bool) {
	if m == nil {
		return chain.Hash{}, false
	}
	for _, f := range m.Files {
		if f.Name == name {
			h, err := chain.ParseHash(f.SHA256)
			return h, err == nil
		}
	}
	return chain.Hash{}, false
}
