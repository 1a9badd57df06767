package backup

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// An existing writer rotates by moving the first records to a segment and writing the others, and what
// was appended meanwhile, to a new live log. All that the backup has is still there.
func TestBackupFollowsARotationOfAnExistingWriter(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 10)
	mustTake(t, m)
	lines := strings.SplitAfter(readFile(t, m, testHome+"/audit.log"), "\n")
	last := chain.ReadLine([]byte(strings.TrimSuffix(lines[9], "\n"))).Record
	first := chain.ReadLine([]byte(strings.TrimSuffix(lines[0], "\n"))).Record
	sixth := chain.ReadLine([]byte(strings.TrimSuffix(lines[5], "\n"))).Record
	more, err := chain.Seal(last.Hash, last.TS, "node.event", "node", []byte(`{}`))
	check(t, err)
	rotate, err := chain.Seal(more.Hash, last.TS, chain.KindRotate, chain.SystemActor,
		chain.Rotate{Segment: "audit-0001.jsonl", Records: 6, FirstHash: first.Hash, LastHash: sixth.Hash, Cutoff: last.TS}.Payload())
	check(t, err)
	check(t, m.Mkdir(testHome+"/audit-archive", 0o700))
	putFile(t, m, testHome+"/audit-archive/audit-0001.jsonl", strings.Join(lines[:6], ""))
	putFile(t, m, testHome+"/audit.log", strings.Join(lines[6:], "")+string(chain.AppendLine(chain.AppendLine(nil, &more), &rotate)))
	res := mustTake(t, m)
	if res.Report.Exit != 0 {
		t.Error(res.Manifest.Verdict)
	}
	sameHome(t, m, testHome, testDir)

	putFile(t, m, testHome+"/audit-archive/audit-0002.jsonl", strings.Join(lines[6:8], "")) // and loses two
	putFile(t, m, testHome+"/audit.log", string(chain.AppendLine(nil, &more)))
	if _, err := take(m); !errors.Is(err, segment.ErrRefused) {
		t.Errorf("records are lost: %v", err)
	}
}

// A segment that was taken out of the log, and is kept aside, does not stay in the backup as a segment.
func TestBackupFollowsASegmentThatWasSetAside(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 4, 6, 3)
	foreign := "{\"of\":\"another log\"}\n"
	putFile(t, m, testHome+"/audit-archive/audit-0002-r1.jsonl", foreign)
	mustTake(t, m)
	check(t, m.Mkdir(testHome+"/audit-quarantine", 0o700))
	check(t, m.Rename(testHome+"/audit-archive/audit-0002-r1.jsonl", testHome+"/audit-quarantine/audit-0002-r1.jsonl"))
	res := mustTake(t, m)
	if _, err := m.Stat(testDir + "/audit-archive/audit-0002-r1.jsonl"); !errors.Is(err, fs.ErrNotExist) || len(res.Removed) != 1 {
		t.Errorf("removed %v, %v", res.Removed, err)
	}
	if readFile(t, m, testDir+"/audit-quarantine/audit-0002-r1.jsonl") != foreign {
		t.Error("it is not among what is set aside")
	}
	if res.Report.Exit != 0 {
		t.Error(res.Manifest.Verdict)
	}
}

// A home in whose archive directory nothing can be is copied all the same, and that is said.
func TestBackupOfAHomeWithoutADirectory(t *testing.T) {
	m := newDisk(t)
	fill(t, m, 3)
	putFile(t, m, testHome+"/audit-archive", "no directory")
	res := mustTake(t, m)
	if len(res.LeftOut) != 1 || res.LeftOut[0].Name != segment.ArchiveDir || readFile(t, m, testDir+"/audit.log") != readFile(t, m, testHome+"/audit.log") {
		t.Errorf("left out %v", res.LeftOut)
	}
}

// Whatever backup.json holds, reading it does not fail in any other way than by an error, and what is
// read is written again.
func FuzzParseManifest(f *testing.F) {
	sum := chain.Hash(sha256.Sum256(nil)).String()
	m := Manifest{Format: ManifestFormat, LogID: sum, Verdict: "intact <&>", Files: []File{{Name: "audit.log", SHA256: sum, Mode: "0600", InHome: true}, {Name: "é\u2028"}}}
	text, err := m.Encode()
	check(f, err)
	f.Add(text)
	f.Add([]byte(`{"format":"opscontext.backup/1","files":null}`))
	f.Add([]byte(`{"format":"opscontext.backup/2"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			if !errors.Is(err, ErrManifest) && !errors.Is(err, chain.ErrUnknownVersion) {
				t.Errorf("%v", err)
			}
			return
		}
		once, err := m.Encode()
		check(t, err)
		again, err := ParseManifest(once)
		check(t, err)
		twice, err := again.Encode()
		check(t, err)
		if string(once) != string(twice) {
			t.Errorf("written twice:\n%s\n%s", once, twice)
		}
	})
}
