package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// oracle knows, in terms of promises alone, what a disk may hold after a crash. It keeps no list of
// pending changes, so that it cannot be wrong in the same way as Mem.
type oracle struct {
	files map[FileID]*promise
	names map[string]*nameStates
}

// promise is what is known of one file. Its bytes are all letter, so that they tell whose they are.
type promise struct {
	letter byte
	bytes  []standing
	most   int  // after a crash the file is no longer than this
	synced int  // length that the medium has; -1: not known, a sync failed
	kept   bool // has a name that was synced, and none was taken away since
}

// standing of a byte that is in the file.
type standing uint8

const (
	dirty  standing = iota // may be lost
	safe                   // a sync returned nil
	ghosty                 // a sync failed: may never get to the medium
)

func (p *promise) write(n int) {
	p.bytes = append(p.bytes, make([]standing, n)...)
	p.most = max(p.most, len(p.bytes))
}

func (p *promise) sync() {
	p.most, p.synced = len(p.bytes), len(p.bytes)
	for i, b := range p.bytes {
		switch b {
		case dirty:
			p.bytes[i] = safe
		case ghosty:
			p.synced = -1
		}
	}
}

func (p *promise) failSync() {
	p.synced = -1
	for i, b := range p.bytes {
		if b == dirty {
			p.bytes[i] = ghosty
		}
	}
}

// check wants the bytes of the file after a crash to be legal.
func (p *promise) check(data []byte, kept Kept) error {
	for i, b := range p.bytes {
		if b == safe && (i >= len(data) || data[i] != p.letter) {
			return fmt.Errorf("byte %d was synced, file holds %q", i, data)
		}
	}
	switch {
	case len(data) > p.most:
		return fmt.Errorf("%q is longer than %d, which it never was", data, p.most)
	case kept == KeptNothing && p.synced >= 0 && len(data) != p.synced:
		return fmt.Errorf("%q has another length than was synced, %d", data, p.synced)
	case strings.Trim(string(data), string(p.letter)+"\x00") != "":
		return fmt.Errorf("%q holds something but %c", data, p.letter)
	}
	return nil
}

// nameStates is what a name may mean after a crash: its meaning at the last SyncDir, and every one since.
type nameStates struct{ may []FileID }

var nothing FileID

func (o *oracle) bind(name string, id FileID) {
	s := o.names[name]
	s.may = append(s.may, id)
}

func (o *oracle) now(name string) FileID {
	s := o.names[name].may
	return s[len(s)-1]
}

// lose says that no name of the file is promised any more.
func (o *oracle) lose(id FileID) {
	if p := o.files[id]; p != nil {
		p.kept = false
	}
}

func (o *oracle) syncDir() {
	for _, p := range o.files {
		p.kept = false
	}
	for _, s := range o.names {
		s.may = s.may[len(s.may)-1:]
		if p := o.files[s.may[0]]; p != nil {
			p.kept = true
		}
	}
}

// check wants a legal disk: every name means something it may mean, every file has its promised
// bytes and no foreign ones, and a file whose name was promised and never taken away has one.
func (o *oracle) check(m *Mem, kept Kept) error {
	found := map[FileID]bool{}
	entries, err := m.ReadDir("/")
	if err != nil {
		return err
	}
	there := map[string]FileID{}
	for _, e := range entries {
		info, err := m.Stat(e.Name())
		if err != nil {
			return err
		}
		there[e.Name()] = info.ID
		found[info.ID] = true
		if _, known := o.names[e.Name()]; !known {
			return fmt.Errorf("%s appeared from nowhere", e.Name())
		}
		if err := o.checkFile(m, e.Name(), info, kept); err != nil {
			return err
		}
	}
	for name, s := range o.names {
		if !slices.Contains(s.may, there[name]) {
			return fmt.Errorf("%s means %v, which is none of %v", name, there[name], s.may)
		}
		if kept == KeptNothing && there[name] != s.may[0] {
			return fmt.Errorf("%s means %v, synced as %v", name, there[name], s.may[0])
		}
	}
	for id, p := range o.files {
		if p.kept && !found[id] {
			return fmt.Errorf("file %v (%c) has lost its last name", id, p.letter)
		}
	}
	return nil
}

func (o *oracle) checkFile(m *Mem, name string, info Info, kept Kept) error {
	p := o.files[info.ID]
	if p == nil {
		return fmt.Errorf("%s is an unknown file %v", name, info.ID)
	}
	f, err := m.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	data := make([]byte, info.Size)
	if _, err := f.ReadAt(data, 0); err != nil {
		return err
	}
	if err := p.check(data, kept); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}

// present is the names that the running disk has.
func (o *oracle) present() string {
	var names []string
	for name := range o.names {
		if o.now(name) != nothing {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestCrashProperty(t *testing.T) {
	names := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		m := NewMem()
		o := &oracle{files: map[FileID]*promise{}, names: map[string]*nameStates{}}
		for _, name := range names {
			o.names[name] = &nameStates{may: []FileID{nothing}}
		}
		letter := byte('A')
		name := rapid.SampledFrom(names)
		// held opens the file under a drawn name, and hands it over with what is known of it.
		held := func(t *rapid.T, use func(File, *promise)) {
			f, err := m.OpenFile(name.Draw(t, "name"), os.O_RDWR|os.O_APPEND, 0)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("no such file")
			}
			must(t, err)
			info, err := f.Stat()
			must(t, err)
			use(f, o.files[info.ID])
			must(t, f.Close())
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				n := name.Draw(t, "name")
				f, err := m.OpenFile(n, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
				if errors.Is(err, fs.ErrExist) {
					t.Skip("taken")
				}
				must(t, err)
				info, err := f.Stat()
				must(t, err)
				must(t, f.Close())
				if letter++; letter > 'z' {
					letter = 'A'
				}
				o.files[info.ID] = &promise{letter: letter}
				o.bind(n, info.ID)
			},
			"write": func(t *rapid.T) {
				held(t, func(f File, p *promise) {
					n, err := f.Write(bytes.Repeat([]byte{p.letter}, rapid.IntRange(1, 1200).Draw(t, "bytes")))
					must(t, err)
					p.write(n)
				})
			},
			"truncate": func(t *rapid.T) {
				held(t, func(f File, p *promise) {
					size := rapid.IntRange(0, len(p.bytes)).Draw(t, "size")
					must(t, f.Truncate(int64(size)))
					p.bytes = p.bytes[:size]
				})
			},
			"sync": func(t *rapid.T) {
				held(t, func(f File, p *promise) {
					must(t, f.Sync())
					p.sync()
				})
			},
			"failing sync": func(t *rapid.T) {
				held(t, func(f File, p *promise) {
					m.Inject(Fault{Op: OpSync, Err: syscall.EIO, Keep: rapid.Int64Range(0, 1000).Draw(t, "keep")})
					if err := f.Sync(); !errors.Is(err, syscall.EIO) {
						t.Fatalf("sync: %v", err)
					}
					p.failSync()
				})
			},
			"link": func(t *rapid.T) {
				old, new := name.Draw(t, "old"), name.Draw(t, "new")
				if m.Link(old, new) == nil {
					o.bind(new, o.now(old))
				}
			},
			"rename": func(t *rapid.T) {
				old, new := name.Draw(t, "old"), name.Draw(t, "new")
				if m.Rename(old, new) == nil && o.now(old) != o.now(new) {
					o.lose(o.now(new))
					o.bind(new, o.now(old))
					o.bind(old, nothing)
				}
			},
			"remove": func(t *rapid.T) {
				n := name.Draw(t, "name")
				if m.Remove(n) == nil {
					o.lose(o.now(n))
					o.bind(n, nothing)
				}
			},
			"sync directory": func(t *rapid.T) {
				must(t, m.SyncDir("/"))
				o.syncDir()
			},
			"crash": func(t *rapid.T) {
				seed := rapid.Uint64().Draw(t, "seed")
				for _, l := range Losses(seed, 2) {
					if l.Kept == KeptCache {
						continue
					}
					if err := o.check(m.Crash(l), l.Kept); err != nil {
						t.Fatalf("%v: %v", l, err)
					}
				}
				if got, want := list(t, m, "/"), o.present(); got != want {
					t.Fatalf("the running disk has %q, want %q", got, want)
				}
			},
		})
	})
}
