//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/opscontext/opscontext/segment"
)

// judgeAgain judges a command that is completed by running it once more, which again does. At the
// moment of the fault nothing is lost; after the second run everything is as without a fault, and
// already after the first if that one said that it was done.
func judgeAgain(x played, again, same func(played) error) error {
	if err := judgeKept(x); err != nil {
		return fmt.Errorf("right after the fault: %w", err)
	}
	if x.exit == 0 {
		if err := same(x); err != nil {
			return fmt.Errorf("it exited 0: %w", err)
		}
	}
	if err := again(x); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	if err := judgeKept(x); err != nil {
		return err
	}
	return errors.Join(same(x), judgeAcks(x.place))
}

// again runs the command of the scenario once more.
func (a program) again(x played) error {
	_, err := a.must(x.place, x.input(), x.args...)
	return err
}

// judgeArchived judges archive, and then whatever a write to the log shows.
func (a program) judgeArchived(x played) error {
	if err := judgeAgain(x, a.again, sameArchive); err != nil {
		return err
	}
	return a.judgeNext(x)
}

// judgeKept holds at every moment: the log still begins with all that it held before, read from names
// that are not temporary; and of each segment without its plain file, the chain attests the
// compressed file and its manifest.
func judgeKept(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(now.log, x.was.log) {
		return errors.New("the log does not begin with the records that it held before")
	}
	for name, has := range now.sealed {
		if has[segment.FormPlain] || !has[segment.FormZstd] {
			continue
		}
		if err := judgeAttested(x.place, name, x.was.sealed[name], has, now.attested); err != nil {
			return err
		}
	}
	return nil
}

// judgeAttested wants what is there instead of a plain file to be what the chain says: the compressed
// file and the manifest, which only a segment may lack that had lost it before the fault.
func judgeAttested(p place, name segment.Name, had, has forms, attested map[attestation]bool) error {
	text, err := raw(p, name, has)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(sealedFile(p, name, segment.FormZstd))
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(sealedFile(p, name, segment.FormManifest))
	missing := errors.Is(err, fs.ErrNotExist)
	wasMissing := had[segment.FormZstd] && !had[segment.FormPlain] && !had[segment.FormManifest]
	if err != nil && !(missing && wasMissing) {
		return fmt.Errorf("the plain file of %v is gone: %w", name, err)
	}
	for a := range attested {
		if a.Segment == name.File(segment.FormPlain) && a.SHA256 == digest(text) && a.Archived == digest(file) &&
			(missing || a.Manifest == digest(manifest)) {
			return nil
		}
	}
	return fmt.Errorf("the plain file of %v is gone, and the chain does not attest what is there instead", name)
}

// sameArchive compares with a run without a fault: the files, and what is new on the chain.
func sameArchive(x played) error {
	now, err := viewOf(x.place)
	if err != nil {
		return err
	}
	if err := sameFiles(now.files, x.is.files); err != nil {
		return err
	}
	for line := range bytes.Lines(bytes.TrimPrefix(now.log, x.was.log)) {
		if !ownKind.Match(line) {
			return fmt.Errorf("archiving chained %s", clip(string(line)))
		}
	}
	if !maps.Equal(now.attested, x.is.attested) {
		return fmt.Errorf("the chain attests %v, without a fault %v", now.attested, x.is.attested)
	}
	return nil
}

// sameFiles wants the same names, and where files are functions of the records, as segments, archives,
// manifests and copies are, or only read, the same bytes.
func sameFiles(have, want map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%s is there, without a fault it is not", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		text, ok := have[name]
		switch {
		case !ok && derived.MatchString(name): // whoever could not write it said so
		case !ok:
			return fmt.Errorf("%s is not there, without a fault it is", name)
		case timeless.MatchString(name) && !bytes.Equal(text, want[name]):
			return fmt.Errorf("%s differs from that of a run without a fault", name)
		}
	}
	return nil
}

// ownKind is a record that archiving chains, or the settling of what a fault left.
var ownKind = regexp.MustCompile(`"event":"audit\.(archive|torn_tail|append_failed)"`)

// derived are the files that a command goes on without, if it cannot write them: search indexes, and what
// this machine remembers.
var derived = regexp.MustCompile(`^(home/audit-archive/audit-\d+\.idx|state(/.+)?)$`)

// timeless are the files in which no time and no random name is written.
var timeless = regexp.MustCompile(`^(home/audit-archive|store|old)/`)

// aside are the files in which runs may differ: bytes that were set aside; in a store, from which nothing
// may be deleted, what was never linked to a key; and what the next writer clears away or puts on the
// chain: locks, and refusals. A verdict that is remembered can be made again at any time.
var aside = regexp.MustCompile(`^(home/(audit\.torn-[^/]+\.partial|audit-quarantine(/.+)?|\.?audit\.(rotate\.)?lock\d*|audit-refused\.jsonl)|store/(.+/)?\.put-[^/]+|state/opscontext/\.?(home|old)\.verdict\d*)$`)

// files gives the content of all files on the stage but those in aside; of a directory nothing.
func files(p place) (map[string][]byte, error) {
	all := map[string][]byte{}
	names := strings.NewReplacer(remembered(p.home()), "home", remembered(p.old()), "old")
	err := filepath.WalkDir(p.stage(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == p.stage() {
			return err
		}
		rel := names.Replace(strings.TrimPrefix(name, p.stage()+"/"))
		if aside.MatchString(rel) {
			return nil
		}
		var text []byte
		if !d.IsDir() {
			text, err = os.ReadFile(name)
		}
		all[rel] = text
		return err
	})
	return all, err
}
