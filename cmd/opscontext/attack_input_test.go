//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archivedStage is a home whose first segment is archived.
func archivedStage(t *testing.T) stage {
	t.Helper()
	s := newStage(t)
	s.records(5, "a.b")
	s.must("rotate")
	s.records(5, "a.b")
	s.must("rotate")
	s.records(5, "a.b")
	s.must("archive")
	return s
}

const (
	firstPacked = "audit-archive/audit-0001.jsonl.zst"
	firstSays   = "audit-archive/audit-0001.manifest.json"
	secondPlain = "audit-archive/audit-0002.jsonl"
)

func (s stage) write(name string, b []byte) {
	s.t.Helper()
	check(s.t, os.RemoveAll(s.inHome(name)))
	check(s.t, os.WriteFile(s.inHome(name), b, 0o400))
}

// edit puts one text for another in a file that must hold it.
func (s stage) edit(name, old, with string) {
	s.t.Helper()
	b := s.read(s.inHome(name))
	if !bytes.Contains(b, []byte(old)) {
		s.t.Fatalf("%s does not hold %q: %s", name, old, b)
	}
	s.write(name, bytes.Replace(b, []byte(old), []byte(with), 1))
}

// frugal runs the program, which must need neither long nor much memory.
func (s stage) frugal(limit int64, args ...string) ran {
	s.t.Helper()
	r := s.run(args...)
	if r.spent > patience/4 && !raced {
		s.t.Errorf("%v took %v of a processor", args, r.spent)
	}
	if r.peak > limit && !raced {
		s.t.Errorf("%v needed %d MiB, want at most %d", args, r.peak>>20, limit>>20)
	}
	return r
}

// zeros is one frame of zstd that decodes to n bytes of zeros: blocks of one repeated byte.
func zeros(n int64, header ...byte) []byte {
	b := append([]byte{0x28, 0xb5, 0x2f, 0xfd}, header...)
	const block = 128 << 10
	for ; n > 0; n -= block {
		size := min(n, block)
		last := uint32(0)
		if n <= block {
			last = 1
		}
		h := last | 1<<1 | uint32(size)<<3
		b = append(b, byte(h), byte(h>>8), byte(h>>16), 0)
	}
	return b
}

// TestA13Bombs puts archives that are small to store and large to decode in the place of one. The program
// refuses them by what they declare or goes beyond what the manifest declares in nothing.
func TestA13BombsInAHome(t *testing.T) {
	base := archivedStage(t)
	packed := base.read(base.inHome(firstPacked))
	sized := func(n uint64) []byte { // a frame that declares n bytes: single segment, eight bytes of size
		return binary.LittleEndian.AppendUint64([]byte{0xe0}, n)
	}
	for i, bomb := range []struct {
		name  string
		data  []byte
		exits string
	}{
		{"4 GiB of zeros that declare no size", zeros(4<<30, 0x00, 0x58), "3 5"}, // a window of 2 MiB
		{"4 GiB of zeros that declare it", zeros(4<<30, sized(4<<30)...), "3 5"},
		{"64 MiB of zeros that declare 2 KiB", zeros(64<<20, sized(2048)...), "3 5"},
		{"a window of 2 GiB", zeros(4096, 0x00, 21<<3), "3 5"},
		{"a window of 3.75 TiB", zeros(4096, 0x00, 31<<3|7), "3 5"},
		{"a dictionary", zeros(2048, 0x03, 0x58, 1, 2, 3, 4), "3 5"},
		{"a second frame behind it", append(bytes.Clone(packed), zeros(4<<30, 0x00, 0x58)...), "3 5"},
		{"a skippable frame behind it", append(bytes.Clone(packed), 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4), "3 5"},
		{"a skippable frame of 4 GiB before it", append([]byte{0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff}, packed...), "3 5"},
		{"100,000 empty frames", bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00}, 1e5), "3 5"},
		{"a checksum that is none", append(bytes.Clone(packed[:len(packed)-40]), bytes.Repeat([]byte{0xff}, 40)...), "3 5"},
	} {
		if raced && i%4 != 1 {
			continue // the other run takes all of them
		}
		t.Run(bomb.name, func(t *testing.T) {
			s := newStage(t)
			check(t, os.CopyFS(s.inHome("."), os.DirFS(base.home)))
			s.write(firstPacked, bomb.data)
			for _, says := range []string{"with its manifest", "without a manifest"} {
				if says == "without a manifest" {
					check(t, os.Remove(s.inHome(firstSays)))
				}
				if r := s.frugal(256<<20, "verify"); !strings.Contains(bomb.exits, fmt.Sprint(r.exit)) {
					t.Errorf("%s: verify ends with %d: %s%s", says, r.exit, r.out, r.errors)
				}
				s.frugal(256<<20, "export")
				s.frugal(256<<20, "search", "--text", "nothing")
				s.frugal(256<<20, "recover", "diagnose")
			}
			s.must("append", "--event", "x", "--payload", "1")
		})
	}
}

// TestA12HostileManifests puts manifests that claim too much beside a sound segment. The records decide,
// and no claim costs memory.
func TestA12HostileManifests(t *testing.T) {
	base := archivedStage(t)
	for i, c := range []struct{ name, old, with string }{
		{"a count that overflows", `"records":5`, `"records":9223372036854775808`},
		{"a count that is negative", `"records":5`, `"records":-5`},
		{"a count that is no number", `"records":5`, `"records":NaN`},
		{"a count that is a fraction", `"records":5`, `"records":5.5`},
		{"a count of 10^300", `"records":5`, `"records":1e300`},
		{"frames beyond the end", `"raw_offset":0`, `"raw_offset":1099511627776`},
		{"a frame before the beginning", `"frames":[{"offset":0`, `"frames":[{"offset":-1`},
		{"a hash of something else", `"root":"`, `"root":"0000000000000000000000000000000000000000000000000000000000000000","x":"`},
		{"another format", `opscontext.manifest/1`, `opscontext.manifest/99999999999999999999`},
		{"a member twice", `"records":5`, `"records":4,"records":5`},
		{"10^5 open brackets", `{"format"`, strings.Repeat("[", 1e5) + `{"format"`},
		{"100,000 frames", `"frames":[`, `"frames":[` + strings.Repeat(`{"offset":0,"size":1,"raw_offset":0,"raw_size":1,"records":1,"ts_min":"","ts_max":""},`, 1e5)},
		{"100,000 kinds", `"events":{"top":[`, `"events":{"top":[` + strings.Repeat(`{"name":"a","records":1},`, 1e5)},
	} {
		if raced && i%4 != 1 {
			continue // the other run takes all of them
		}
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			check(t, os.CopyFS(s.inHome("."), os.DirFS(base.home)))
			s.edit(firstSays, c.old, c.with)
			if r := s.frugal(1<<30, "verify"); r.exit != 3 && r.exit != 5 || !strings.Contains(r.out, "18 of 18 records") {
				t.Errorf("verify ends with %d: %s%s", r.exit, r.out, r.errors)
			}
			for _, args := range [][]string{{"verify", "--manifests-only"}, {"export"}, {"segments"}, {"search", "--text", "nothing"}, {"archive"}} {
				s.frugal(1<<30, args...)
			}
			s.must("append", "--event", "x", "--payload", "1")
		})
	}
}

// TestA11NamesThatLeadElsewhere writes names of files elsewhere wherever a name can stand: nothing is
// opened, made or removed there.
func TestA11NamesThatLeadElsewhere(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: that names which lead away open nothing was not tested")
	}
	base := archivedStage(t)
	for i, name := range []string{"../../outside/canary", "%s/canary", `..\\..\\outside\\canary`, "audit-0001.jsonl/../../../outside/canary", "audit-0001.jsonl\\u0000../canary", strings.Repeat("canary", 1000)} {
		if raced && i%4 != 1 {
			continue // the other run takes all of them
		}
		s := newStage(t)
		check(t, os.CopyFS(s.inHome("."), os.DirFS(base.home)))
		if strings.Contains(name, "%s") {
			name = fmt.Sprintf(name, s.outside)
		}
		canary := filepath.Join(s.outside, "canary")
		check(t, os.WriteFile(canary, []byte("do not touch\n"), 0o600))
		s.edit(firstSays, `"segment":"audit-0001.jsonl"`, `"segment":"`+name+`"`)
		s.edit(firstSays, `"file":"audit-0001.jsonl.zst"`, `"file":"`+name+`"`)
		// Where the records themselves name files, with hashes that are right.
		s.forge("audit.rotate", `{"segment":"`+name+`","archived_records":1,"first_hash":"`+strings.Repeat("0", 64)+`","last_hash":"`+strings.Repeat("0", 64)+`","cutoff":"x"}`)
		s.forge("audit.torn_tail", `{"kept":"`+name+`","bytes":13,"sha256":"`+strings.Repeat("0", 64)+`","note":"x"}`)
		s.forge("audit.restore", `{"segment":"`+name+`","after":"`+name+`","records":1,"first_hash":"`+strings.Repeat("0", 64)+`","last_hash":"`+strings.Repeat("0", 64)+`"}`)
		s.forge("audit.archive", `{"segment":"`+name+`"}`)
		// Notes that existing writers leave of a move under way.
		for _, intent := range []string{".rotate-intent.json", ".restore-intent.json"} {
			check(t, os.WriteFile(s.inHome("audit-archive/"+intent), []byte(`{"segment":"`+name+`"}`), 0o600))
		}
		for _, args := range [][]string{{"verify"}, {"recover", "diagnose"}, {"recover", "repair", "--apply"}, {"archive"}, {"segments"}, {"export"}, {"append", "--event", "x", "--payload", "1"}, {"rotate"}, {"verify", "--against", s.home}} {
			trace := filepath.Join(s.outside, "trace")
			cmd := exec.Command("strace", append([]string{"-f", "-qq", "-e", "trace=%file", "-o", trace, "opscontext"}, args...)...)
			cmd.Env = append(os.Environ(), "HOME="+s.outside, "CONTEXTENGINE_HOME="+s.home, "XDG_STATE_HOME="+s.state)
			out, _ := cmd.CombinedOutput() // its exit code depends on the name
			if code := cmd.ProcessState.ExitCode(); code == 2 || code < 0 {
				t.Errorf("%v with %.60q: exit %d: %s", args, name, code, out)
			}
			if calls := s.read(trace); !bytes.Contains(calls, []byte("audit.log")) || bytes.Contains(calls, []byte("canary")) {
				t.Errorf("%v with %.60q looked elsewhere, or nowhere", args, name)
			}
		}
		if got := s.read(canary); string(got) != "do not touch\n" {
			t.Errorf("%.60q: the file outside holds %q", name, got)
		}
		if r := s.run("verify"); r.exit != 3 && r.exit != 5 {
			t.Errorf("verify with %.60q ends with %d: %s", name, r.exit, r.out)
		}
	}
}

// TestA28ResourceTricks: what is small to make and large to check ends soon, needs little, and does not pass.
func TestA28ResourceTricks(t *testing.T) {
	t.Run("a sparse segment of 1 TiB", func(t *testing.T) {
		s := newStage(t)
		s.records(3, "a.b")
		s.must("rotate")
		s.records(3, "a.b")
		path := s.inHome("audit-archive/audit-0001.jsonl")
		check(t, os.Chmod(path, 0o600))
		check(t, os.Truncate(path, 1<<40))
		if r := s.frugal(512<<20, "verify"); r.exit != 5 && r.exit != 3 {
			t.Errorf("exit %d: %s", r.exit, r.out)
		}
		s.must("append", "--event", "x", "--payload", "1")
	})
	t.Run("5,000 segments of one record", func(t *testing.T) {
		s := newStage(t)
		s.records(1, "a.b")
		check(t, os.Mkdir(s.inHome("audit-archive"), 0o700))
		line := s.read(s.inHome("audit.log"))
		for i := range 5000 {
			check(t, os.WriteFile(s.inHome(fmt.Sprintf("audit-archive/audit-%04d.jsonl", i+1)), line, 0o400))
		}
		if r := s.frugal(512<<20, "verify"); r.exit == 2 {
			t.Errorf("exit %d: %s", r.exit, r.out)
		}
		s.must("append", "--event", "x", "--payload", "1")
	})
	t.Run("100,000 forks", func(t *testing.T) {
		s := newStage(t)
		s.records(1, "a.b")
		forks := 100_000
		if raced {
			forks /= 20 // the other run makes all of them
		}
		s.forks(forks)
		if r := s.frugal(512<<20, "verify"); r.exit != 0 && r.exit != 3 {
			t.Errorf("exit %d: %.2000s", r.exit, r.out)
		}
	})
	t.Run("a line of 100 MiB without an end", func(t *testing.T) {
		s := newStage(t)
		s.records(1, "a.b")
		check(t, os.Truncate(s.inHome("audit.log"), 100<<20))
		if r := s.frugal(512<<20, "verify"); r.exit != 5 && r.exit != 3 {
			t.Errorf("exit %d: %s", r.exit, r.out)
		}
		// Such an end is a hole that a power cut leaves: it is set aside, and recorded on.
		if r := s.frugal(512<<20, "append", "--event", "x", "--payload", "1"); r.exit != 0 {
			t.Errorf("append: exit %d: %s", r.exit, r.errors)
		}
	})
}
