package backup

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// A backup has the files of the home, byte for byte, and says so.
func TestBackupIsTheHome(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3, 2)
	archiveAll(t, m)
	for name, text := range map[string]string{
		"opscontext.toml": "[segment]\nperiod = \"none\"\n",
		"audit.torn-2026-10-05T12-00-00-000Z.partial": `{"ts":"2026`,
		"audit-archive/notes.txt":                     "remember the milk\n",
		"audit-archive/audit-0001.idx":                "derived",
		"audit-archive/.audit-0009.zst.tmp":           "half",
		"audit-refused.jsonl":                         `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}` + "\n",
		"learnings.json":                              "not of the log",
	} {
		putFile(t, m, testHome+"/"+name, text)
	}
	check(t, m.Mkdir(testHome+"/audit-quarantine", 0o700))
	putFile(t, m, testHome+"/audit-quarantine/audit.ghost-2026-10-05T12-00-00-000Z.partial", "ghost")
	check(t, m.Chmod(testHome+"/audit.log", 0o644))
	res := mustTake(t, m)

	for _, name := range []string{"audit-archive/audit-0001.idx", "audit-archive/.audit-0009.zst.tmp", "learnings.json"} {
		if _, err := m.Stat(filepath.Join(testDir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is in the backup: %v", name, err)
		}
		check(t, m.Remove(filepath.Join(testHome, name)))
	}
	sameHome(t, m, testHome, testDir)
	exit, head := judged(t, m, testHome)
	if res.Report.Exit != exit || res.Manifest.Head == nil || res.Manifest.Head.Hash != head || res.Manifest.Exit != exit {
		t.Errorf("the home: %d, %s; the backup: %+v", exit, head, res.Manifest)
	}
	text := readFile(t, m, testDir+"/"+ManifestName)
	read, err := ParseManifest([]byte(text))
	check(t, err)
	again, err := read.Encode()
	check(t, err)
	if string(again) != text {
		t.Errorf("read and written again backup.json is\n%s\nwas\n%s", again, text)
	}
	files := contents(t, m, testDir)
	if len(read.Files) != len(files) || !strings.HasSuffix(text, "\n") || strings.Count(text, "\n") != len(files)+2 {
		t.Errorf("backup.json has %d files, the backup %d:\n%s", len(read.Files), len(files), text)
	}
	for _, f := range read.Files {
		sum := chain.Hash(sha256.Sum256([]byte(files[f.Name])))
		if f.SHA256 != sum.String() || f.Bytes != int64(len(files[f.Name])) || !f.InHome {
			t.Errorf("backup.json says %+v", f)
		}
		info, err := m.Stat(filepath.Join(testDir, f.Name))
		check(t, err)
		if p := info.Mode.Perm(); p&0o077 != 0 {
			t.Errorf("%s has mode %04o", f.Name, p)
		}
		if _, form, ok := segmentOf(f.Name); ok && form == segment.FormZstd && (info.Mode.Perm() != 0o400 || f.Mode != "0400") {
			t.Errorf("%s: mode %v, in backup.json %s", f.Name, info.Mode, f.Mode)
		}
		if f.Name == segment.LiveName && f.Mode != "0644" {
			t.Errorf("the mode in the home was 0644, backup.json says %s", f.Mode)
		}
	}
}

// What is there and the same is not written again; what was archived or chained meanwhile goes.
func TestBackupIsBroughtUpToDate(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3)
	putFile(t, m, testHome+"/audit-refused.jsonl", `{"ts":"2026-10-05T10:00:00.000Z","pid":41,"event":"a.b","error":"busy"}`+"\n")
	mustTake(t, m)
	if res := mustTake(t, m); res.Copied.Files != 0 || res.Same.Files != 4 {
		t.Errorf("a second run copies %+v, finds %+v", res.Copied, res.Same)
	}
	fill(t, m, 2, 5) // takes up the refusal, and seals the live log
	archiveAll(t, m)
	fill(t, m, 1)
	res := mustTake(t, m)
	sameHome(t, m, testHome, testDir)
	if got := strings.Join(res.Removed, " "); got != "audit-archive/audit-0001.jsonl audit-archive/audit-0002.jsonl audit-refused.jsonl" {
		t.Errorf("removed %s", got)
	}
	exit, head := judged(t, m, testDir)
	if _, want := judged(t, m, testHome); exit != 0 || head != want {
		t.Errorf("verdict %d, head %s, want %s", exit, head, want)
	}
}

// What the home has lost stays in the backup, and backup.json tells.
func TestBackupKeepsWhatTheHomeLost(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3)
	mustTake(t, m)
	lost := "audit-archive/audit-0001.jsonl"
	text := readFile(t, m, testHome+"/"+lost)
	check(t, m.Remove(testHome+"/"+lost))
	fill(t, m, 1)
	res := mustTake(t, m)
	if len(res.Extra) != 1 || res.Extra[0] != lost || readFile(t, m, testDir+"/"+lost) != text || len(res.Removed) != 0 {
		t.Errorf("extra %v, removed %v", res.Extra, res.Removed)
	}
	if exit, _ := judged(t, m, testHome); exit == 0 || res.Report.Exit != 0 {
		t.Errorf("the home %d, the backup %d: it should be whole", exit, res.Report.Exit)
	}
	for _, f := range res.Manifest.Files {
		if f.InHome == (f.Name == lost) {
			t.Errorf("%s: in_home is %v", f.Name, f.InHome)
		}
	}
	putFile(t, m, testDir+"/"+lost, text[:100])
	if res := mustTake(t, m); len(res.Spoilt) != 1 || res.Spoilt[0] != lost {
		t.Errorf("the only copy was changed, spoilt is %v", res.Spoilt)
	}
}

// A copy that has gone bad is made again, as long as the home has what it was.
func TestBackupRewritesWhatWentBad(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3)
	mustTake(t, m)
	name := testDir + "/audit-archive/audit-0001.jsonl"
	text := readFile(t, m, name)
	putFile(t, m, name, strings.Replace(text, `"n":1`, `"n":7`, 1))
	res := mustTake(t, m)
	if len(res.Rewritten) != 1 || readFile(t, m, name) != text {
		t.Errorf("rewritten %v", res.Rewritten)
	}
}

// A torn tail that was copied and then set aside in the home is still in the home.
func TestBackupFollowsATailThatWasSetAside(t *testing.T) {
	for _, tail := range []string{`{"ts":"2026-10-05T12:00:00.000Z","event":"x","ac`, strings.Repeat("\x00", 600) + "{\"ts\":\"2026\"}\n"} {
		m := newDisk(t)
		fill(t, m, 3)
		putFile(t, m, testHome+"/audit.log", readFile(t, m, testHome+"/audit.log")+tail)
		if res := mustTake(t, m); res.Report.Exit == 0 {
			t.Errorf("%.20q: the verdict on the copy is %s", tail, res.Manifest.Verdict)
		}
		fill(t, m, 2)
		res, err := take(m)
		if err != nil {
			t.Errorf("%.20q: %v", tail, err)
			continue
		}
		if res.Report.Exit != 0 {
			t.Errorf("%.20q: %s", tail, res.Manifest.Verdict)
		}
		sameHome(t, m, testHome, testDir)
	}
}

// What the backup has and the log has not is never written over.
func TestBackupRefuses(t *testing.T) {
	other := func(t *testing.T, m *durable.Mem) {
		check(t, m.Remove(testHome+"/audit.log"))
		for _, n := range []string{"1", "2"} {
			check(t, m.Remove(testHome+"/audit-archive/audit-000"+n+".jsonl"))
		}
		fillWith(t, m, "other.event", 20)
	}
	for _, c := range []struct {
		name  string
		after func(*testing.T, *durable.Mem)
		says  string
	}{
		{"rolled back", func(t *testing.T, m *durable.Mem) {
			text := readFile(t, m, testHome+"/audit.log")
			putFile(t, m, testHome+"/audit.log", text[:strings.Index(text, "\n")+1])
			fill(t, m, 9)
		}, "no longer has"},
		{"cut", func(t *testing.T, m *durable.Mem) {
			text := readFile(t, m, testHome+"/audit.log")
			putFile(t, m, testHome+"/audit.log", text[:len(text)-5])
		}, "no longer has"},
		{"emptied", func(t *testing.T, m *durable.Mem) { putFile(t, m, testHome+"/audit.log", "") }, "no longer has"},
		{"a live record altered", func(t *testing.T, m *durable.Mem) {
			text := readFile(t, m, testHome+"/audit.log")
			putFile(t, m, testHome+"/audit.log", strings.Replace(text, `"n":1`, `"n":7`, 1))
		}, "no longer has"},
		{"a sealed record altered", func(t *testing.T, m *durable.Mem) {
			name := testHome + "/audit-archive/audit-0001.jsonl"
			putFile(t, m, name, strings.Replace(readFile(t, m, name), `"n":1`, `"n":7`, 1))
		}, "never changes"},
		{"another archive", func(t *testing.T, m *durable.Mem) {
			archiveAll(t, m)
			from, err := m.Stat(testHome + "/audit-archive/audit-0001.jsonl.zst")
			check(t, err)
			check(t, m.Remove(testHome+"/audit-archive/audit-0001.jsonl.zst"))
			putFile(t, m, testHome+"/audit-archive/audit-0001.jsonl.zst", strings.Repeat("x", int(from.Size)))
		}, "was made of that segment"},
		{"another log", other, "backup of log"},
		{"another log, and no manifest", func(t *testing.T, m *durable.Mem) {
			other(t, m)
			check(t, m.Remove(testDir+"/"+ManifestName))
			check(t, m.Remove(testDir+"/audit.log"))
		}, "backup of log"},
		{"a segment of nobody", func(t *testing.T, m *durable.Mem) {
			check(t, m.Remove(testDir+"/"+ManifestName))
			putFile(t, m, testDir+"/audit-archive/audit-0009.jsonl", "{}\n")
		}, "no such segment"},
		{"a home in use", func(t *testing.T, m *durable.Mem) { putFile(t, m, testDir+"/audit.flock", "") }, "home of a log in use"},
		{"something else", func(t *testing.T, m *durable.Mem) { putFile(t, m, testDir+"/thesis.pdf", "") }, "other things"},
		{"a newer manifest", func(t *testing.T, m *durable.Mem) {
			putFile(t, m, testDir+"/"+ManifestName, `{"format":"opscontext.backup/2"}`)
		}, "backup/2"},
		{"no manifest", func(t *testing.T, m *durable.Mem) { putFile(t, m, testDir+"/"+ManifestName, `{`) }, "not a manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newDisk(t)
			fill(t, m, 4, 6, 3)
			mustTake(t, m)
			c.after(t, m)
			m.SyncAll()
			before := contents(t, m, testDir)
			_, err := take(m)
			if !errors.Is(err, segment.ErrRefused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a refusal that says %q", err, c.says)
			}
			after := contents(t, m, testDir)
			for name, text := range before {
				if after[name] != text {
					t.Errorf("%s was changed", name)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d files, there were %d", len(after), len(before))
			}
		})
	}
}

// A backup and its home must not lie in one another, and there must be something to copy.
func TestBackupPlaces(t *testing.T) {
	m := newDisk(t)
	run := func(home, dir string) error {
		_, err := Run(t.Context(), home, dir, options(m), Options{})
		return err
	}
	if err := run(testHome, testDir); !errors.Is(err, segment.ErrRefused) {
		t.Errorf("no home: %v", err)
	}
	check(t, m.Mkdir(testHome, 0o700))
	if err := run(testHome, testDir); !errors.Is(err, segment.ErrRefused) {
		t.Errorf("an empty home: %v", err)
	}
	fill(t, m, 3)
	for _, dir := range []string{testHome, testHome + "/backup", testHome + "/audit-archive", "/"} {
		if err := run(testHome, dir); !errors.Is(err, segment.ErrInvalid) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := run(testHome, testHome+"/backup"); !errors.Is(err, segment.ErrInvalid) {
		t.Errorf("below the home: %v", err)
	}
	if err := run(testHome, "/nowhere/backup"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "mount") {
		t.Errorf("no parent: %v", err)
	}
	putFile(t, m, "/b/file", "")
	if err := run(testHome, "/b/file"); err == nil {
		t.Error("a file is taken for a directory")
	}
}

// Where nothing can be written to the home, as on a full disk, it is copied without the locks.
func TestBackupOfAFullDisk(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 3)
	m.Inject(durable.Fault{Op: durable.OpCreate, Name: ".audit.lock*", Err: syscall.ENOSPC, For: durable.Always})
	res := mustTake(t, m)
	if !errors.Is(res.Unlocked, syscall.ENOSPC) || res.Report.Exit != 0 {
		t.Errorf("unlocked: %v, %s", res.Unlocked, res.Manifest.Verdict)
	}
	sameHome(t, m, testHome, testDir)
}

// A rotation that was killed leaves the live log with two names. It is copied once.
func TestBackupOfAnInterruptedRotation(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 3)
	check(t, m.Link(testHome+"/audit.log", testHome+"/audit-archive/audit-0002.jsonl"))
	res := mustTake(t, m)
	if _, err := m.Stat(testDir + "/audit-archive/audit-0002.jsonl"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second name: %v", err)
	}
	if res.Report.Exit != 0 {
		t.Error(res.Manifest.Verdict)
	}
}
