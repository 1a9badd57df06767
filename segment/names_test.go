package segment

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
)

func TestB7Names(t *testing.T) {
	for _, tt := range []struct {
		file string
		name Name
		form Form
		ok   bool
	}{
		{"audit-0001.jsonl", Name{1, 0}, FormPlain, true},
		{"audit-0000.jsonl", Name{0, 0}, FormPlain, true},
		{"audit-9999.jsonl", Name{9999, 0}, FormPlain, true},
		{"audit-10000.jsonl", Name{10000, 0}, FormPlain, true},
		{"audit-0007.jsonl.zst", Name{7, 0}, FormZstd, true},
		{"audit-0007.manifest.json", Name{7, 0}, FormManifest, true},
		{"audit-0007.idx", Name{7, 0}, FormIndex, true},
		{"audit-0003-r1.jsonl", Name{3, 1}, FormPlain, true},
		{"audit-0003-r10.jsonl.zst", Name{3, 10}, FormZstd, true},
		{"audit-999999999999999.jsonl", Name{maxNumber, 0}, FormPlain, true},
		{"audit-1.jsonl", Name{}, 0, false},
		{"audit-00001.jsonl", Name{}, 0, false},
		{"audit-0001-r0.jsonl", Name{}, 0, false},
		{"audit-0001-r01.jsonl", Name{}, 0, false},
		{"audit-0001-r.jsonl", Name{}, 0, false},
		{"audit-0001-R1.jsonl", Name{}, 0, false},
		{"audit-0001.jsonl.tmp", Name{}, 0, false},
		{"audit-0001.jsonl.bak", Name{}, 0, false},
		{"audit-0001.jsonl~", Name{}, 0, false},
		{".audit-0001.jsonl", Name{}, 0, false},
		{"Audit-0001.jsonl", Name{}, 0, false},
		{"audit-0001.JSONL", Name{}, 0, false},
		{"audit-0001.json", Name{}, 0, false},
		{"audit-+001.jsonl", Name{}, 0, false},
		{"audit--001.jsonl", Name{}, 0, false},
		{"audit-0x01.jsonl", Name{}, 0, false},
		{"audit- 001.jsonl", Name{}, 0, false},
		{"audit-0001.jsonl/..", Name{}, 0, false},
		{"../audit-0001.jsonl", Name{}, 0, false},
		{"audit-0001.jsonl\x00", Name{}, 0, false},
		{"audit-9007199254740993.jsonl", Name{}, 0, false},
		{"audit-99999999999999999999.jsonl", Name{}, 0, false},
		{"audit-٠٠٠١.jsonl", Name{}, 0, false},
		{"audit-.jsonl", Name{}, 0, false},
		{".jsonl", Name{}, 0, false},
		{"", Name{}, 0, false},
	} {
		name, form, ok := ParseName(tt.file)
		if name != tt.name || form != tt.form || ok != tt.ok {
			t.Errorf("ParseName(%q) = %v, %v, %v, want %v, %v, %v", tt.file, name, form, ok, tt.name, tt.form, tt.ok)
		}
	}
}

func TestB7NamesInOrder(t *testing.T) {
	want := []string{"audit-0002.jsonl", "audit-0002-r1.jsonl", "audit-0002-r9.jsonl", "audit-0002-r10.jsonl",
		"audit-0003.jsonl", "audit-9999.jsonl", "audit-9999-r1.jsonl", "audit-10000.jsonl"}
	got := slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		t.Fatal("the order of strings would do: the test shows nothing")
	}
	slices.SortFunc(got, func(a, b string) int {
		n, _, _ := ParseName(a)
		m, _, _ := ParseName(b)
		return n.Compare(m)
	})
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestNamesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := Name{rapid.Int64Range(0, maxNumber).Draw(t, "number"), rapid.Int64Range(0, maxNumber).Draw(t, "restored")}
		f := rapid.SampledFrom([]Form{FormPlain, FormZstd, FormManifest, FormIndex}).Draw(t, "form")
		if m, g, ok := ParseName(n.File(f)); m != n || g != f || !ok {
			t.Errorf("%v as %d is %q, which reads as %v, %d, %v", n, f, n.File(f), m, g, ok)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"audit-0001.jsonl", "audit-0001-r1.jsonl.zst", "audit-10000.idx", "audit-0001-r0.jsonl", "audit-9007199254740993.jsonl",
		"audit-refused.jsonl.41.taking", "audit.torn-2026-10-05T12-34-56-789Z.partial", "audit-0003-b1.jsonl", "audit-0003-b0.jsonl",
		ImportName(chain.Hash{}), ImportName(chain.Hash{})[1:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if n, form, ok := ParseName(file); ok && n.File(form) != file {
			t.Errorf("%q reads as %v, which is written %q", file, n, n.File(form))
		}
		if pid, ok := takenBy(file); ok && takenName(pid) != file {
			t.Errorf("%q reads as taken by %d, which is written %q", file, pid, takenName(pid))
		}
		if n, ok := ParseBranchName(file); ok && n.String() != file {
			t.Errorf("%q reads as branch %v", file, n)
		}
		if source, ok := ParseImportName(file); ok && ImportName(source) != file {
			t.Errorf("%q reads as of import %v", file, source)
		}
		if ownHomeName(file) && strings.Contains(file, "/") {
			t.Errorf("%q counts as a name of ours", file)
		}
	})
}

func TestOwnNames(t *testing.T) {
	for _, name := range []string{"audit.log", "audit.flock", "audit.lock", "audit.rotate.lock", "audit-refused.jsonl", "audit-refused.jsonl.41.taking",
		"audit.torn-2026-10-05T12-34-56-789Z.partial", "audit.torn-2026-10-05T12-34-56-789Z-2.partial.unrecorded", "audit-archive", "audit-quarantine", "audit-verify.json"} {
		if !ownHomeName(name) {
			t.Errorf("%q does not count as a name of ours", name)
		}
	}
	for _, name := range []string{"audit.log.1", "audit-refused.jsonl.x.taking", "audit-refused.jsonl.041.taking", "audit.torn-x", "audit.log.bak"} {
		if ownHomeName(name) {
			t.Errorf("%q counts as a name of ours", name)
		}
	}
}

// What is being made has the name of what it will be, a dot before it and digits behind.
func TestOwnNamesInTheArchive(t *testing.T) {
	for name, want := range map[string]bool{
		".audit-0001.manifest.json77": true, ".audit-0001.idx77": true, ".audit-0001-r2.idx1": true, ".rotate-intent.json": true,
		".audit-0001.idx": false, "audit-0001.idx77": false, ".audit-0001.jsonl77": false, ".notes.idx7": false,
	} {
		if got := ownArchiveName(name); got != want {
			t.Errorf("ownArchiveName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestImportNames(t *testing.T) {
	name := ImportName(chain.Hash{1, 2})
	if h, ok := ParseImportName(name); !ok || h != (chain.Hash{1, 2}) {
		t.Errorf("%s is read as %v, %v", name, h, ok)
	}
	for _, other := range []string{"import-.json", "import-12.json", strings.ToUpper(name), name + "x", "x" + name, strings.TrimSuffix(name, ".json")} {
		if h, ok := ParseImportName(other); ok {
			t.Errorf("%s is read as %v", other, h)
		}
	}
	for other, want := range map[string]bool{name: true, "." + name + "123": true, "." + name: false, "." + name + "12x": false, name + "1": false} {
		if got := ownArchiveName(other); got != want {
			t.Errorf("ownArchiveName(%q) = %v, want %v", other, got, want)
		}
	}
}
