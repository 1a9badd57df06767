//go:build linux && amd64

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opscontext/opscontext/archive"
	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// view is what there is of a log, and beside it.
type view struct {
	log      []byte // as history gives it
	sealed   map[segment.Name]forms
	attested map[attestation]bool
	files    map[string][]byte
}

func viewOf(p place) (v view, err error) {
	if v.log, err = history(p); err != nil {
		return v, err
	}
	if v.sealed, err = sealed(p); err != nil {
		return v, err
	}
	if v.attested, err = attestations(v.log); err != nil {
		return v, err
	}
	v.files, err = files(p)
	return v, err
}

// forms are the files there are of one sealed segment.
type forms map[segment.Form]bool

// sealed lists the sealed segments of a home.
func sealed(p place) (map[segment.Name]forms, error) {
	entries, err := os.ReadDir(p.archive())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := map[segment.Name]forms{}
	for _, e := range entries {
		if name, form, ok := segment.ParseName(e.Name()); ok {
			if all[name] == nil {
				all[name] = forms{}
			}
			all[name][form] = true
		}
	}
	return all, nil
}

// history gives every line of the log in reading order: of the sealed segments, from the plain file
// where there is one, and of the live log. Names that no reader knows, temporary ones above all, are
// not looked at.
func history(p place) ([]byte, error) {
	all, err := sealed(p)
	if err != nil {
		return nil, err
	}
	names := make([]segment.Name, 0, len(all))
	for name, has := range all {
		if has[segment.FormPlain] || has[segment.FormZstd] {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, segment.Name.Compare)
	var log []byte
	for _, name := range names {
		text, err := raw(p, name, all[name])
		if err != nil {
			return nil, err
		}
		log = append(log, text...)
	}
	live, err := os.ReadFile(p.live())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return append(log, live...), nil
}

func sealedFile(p place, name segment.Name, form segment.Form) string {
	return filepath.Join(p.archive(), name.File(form))
}

// raw gives the bytes of a sealed segment.
func raw(p place, name segment.Name, has forms) ([]byte, error) {
	if has[segment.FormPlain] {
		return os.ReadFile(sealedFile(p, name, segment.FormPlain))
	}
	return decompress(sealedFile(p, name, segment.FormZstd), name)
}

// decompress gives the bytes that a compressed segment holds.
func decompress(file string, name segment.Name) (text []byte, err error) {
	s, err := archive.Opener(durable.OS())(file, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, e := range s.Extents(archive.FrameSize) {
		c, err := s.Read(e, nil)
		if err != nil {
			return nil, err
		}
		text = append(text, c.Data...)
	}
	return text, nil
}

// attestation is what the chain says of an archived segment.
type attestation struct {
	Segment  string `json:"segment"`
	SHA256   string `json:"sha256"`
	Archived string `json:"archived_sha256"`
	Manifest string `json:"manifest_sha256"`
}

// attestations gives what the whole lines of a log attest.
func attestations(log []byte) (map[attestation]bool, error) {
	all := map[attestation]bool{}
	for line := range bytes.Lines(wholeLines(log)) {
		var r struct {
			Event   string      `json:"event"`
			Payload attestation `json:"payload"`
		}
		if !bytes.Contains(line, []byte(chain.KindArchive)) {
			continue
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("the log holds %s: %w", clip(string(line)), err)
		}
		if r.Event == chain.KindArchive {
			all[r.Payload] = true
		}
	}
	return all, nil
}

func digest(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
