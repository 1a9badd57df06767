package durable

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// contents prints a disk: every name in "/" with its text, for comparison.
func contents(t tb, m *Mem) string {
	t.Helper()
	entries, err := m.ReadDir("/")
	must(t, err)
	var s []string
	for _, e := range entries {
		text := "/"
		if !e.IsDir() {
			text = read(t, m, "/"+e.Name())
		}
		s = append(s, e.Name()+"="+text)
	}
	return strings.Join(s, " ")
}

// outcomes is the set of disks that a crash may leave, by many seeds.
func outcomes(t tb, m *Mem, kept Kept) []string {
	t.Helper()
	var all []string
	for seed := range uint64(400) {
		all = append(all, contents(t, m.Crash(Loss{kept, seed})))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func open(t tb, fsys FS, name string) File {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	must(t, err)
	return f
}

func put(t tb, f File, text string) {
	t.Helper()
	_, err := f.Write([]byte(text))
	must(t, err)
}

// The table says of each sequence what the strictest cut leaves, and all that any cut may leave.
func TestCrashStates(t *testing.T) {
	for _, c := range []struct {
		name    string
		run     func(t *testing.T, m *Mem) // starts with a durable, empty "a"
		nothing string
		prefix  []string
		subset  []string // nil: as prefix
	}{
		{
			name:    "synced",
			run:     func(t *testing.T, m *Mem) { f := open(t, m, "a"); put(t, f, "x"); must(t, f.Sync()) },
			nothing: "a=x",
			prefix:  []string{"a=x"},
		},
		{
			name:    "written",
			run:     func(t *testing.T, m *Mem) { put(t, open(t, m, "a"), "xy") },
			nothing: "a=",
			prefix:  []string{"a=", "a=x", "a=xy"},
			subset:  []string{"a=", "a=\x00", "a=\x00\x00", "a=x", "a=x\x00", "a=xy"},
		},
		{
			name: "two writes, one sync between",
			run: func(t *testing.T, m *Mem) {
				f := open(t, m, "a")
				put(t, f, "x")
				must(t, f.Sync())
				put(t, f, "y")
			},
			nothing: "a=x",
			prefix:  []string{"a=x", "a=xy"},
			subset:  []string{"a=x", "a=x\x00", "a=xy"},
		},
		{
			name:    "two writes reordered",
			run:     func(t *testing.T, m *Mem) { f := open(t, m, "a"); put(t, f, "x"); put(t, f, "y") },
			nothing: "a=",
			prefix:  []string{"a=", "a=x", "a=xy"},
			subset:  []string{"a=", "a=\x00", "a=\x00\x00", "a=\x00y", "a=x", "a=x\x00", "a=xy"},
		},
		{
			name:    "file sync does not make the name durable",
			run:     func(t *testing.T, m *Mem) { f := open(t, m, "b"); put(t, f, "x"); must(t, f.Sync()) },
			nothing: "a=",
			prefix:  []string{"a=", "a= b=x"},
		},
		{
			name:    "directory sync does not make the bytes durable",
			run:     func(t *testing.T, m *Mem) { f := open(t, m, "b"); put(t, f, "x"); must(t, m.SyncDir("/")) },
			nothing: "a= b=",
			prefix:  []string{"a= b=", "a= b=x"},
			subset:  []string{"a= b=", "a= b=\x00", "a= b=x"},
		},
		{
			name: "rename shows old or new, never neither",
			run: func(t *testing.T, m *Mem) {
				f := open(t, m, "a")
				put(t, f, "x")
				must(t, f.Sync())
				must(t, m.Rename("a", "b"))
			},
			nothing: "a=x",
			prefix:  []string{"a=x", "b=x"},
		},
		{
			name: "rename over another",
			run: func(t *testing.T, m *Mem) {
				must(t, m.Replace("b", []byte("x"), 0o600))
				must(t, m.Rename("b", "a"))
			},
			nothing: "a= b=x",
			prefix:  []string{"a= b=x", "a=x"},
		},
		{
			name: "a second rename never without the first",
			run: func(t *testing.T, m *Mem) {
				must(t, m.Rename("a", "b"))
				must(t, m.Rename("b", "c"))
			},
			nothing: "a=",
			prefix:  []string{"a=", "b=", "c="},
		},
		{
			name: "rename of an unsynced file",
			run: func(t *testing.T, m *Mem) {
				put(t, open(t, m, "b"), "x")
				must(t, m.Rename("b", "a"))
			},
			nothing: "a=",
			prefix:  []string{"a=", "a= b=", "a= b=x", "a=x"},
			subset:  []string{"a=", "a= b=", "a= b=\x00", "a= b=x", "a=\x00", "a=x"},
		},
		{
			name:    "link",
			run:     func(t *testing.T, m *Mem) { must(t, m.Link("a", "b")) },
			nothing: "a=",
			prefix:  []string{"a=", "a= b="},
		},
		{
			name: "names of different files are reordered",
			run: func(t *testing.T, m *Mem) {
				must(t, m.Link("a", "b"))
				must(t, m.Link("a", "c"))
			},
			nothing: "a=",
			prefix:  []string{"a=", "a= b=", "a= b= c="},
			subset:  []string{"a=", "a= b=", "a= b= c=", "a= c="},
		},
		{
			name:    "removed",
			run:     func(t *testing.T, m *Mem) { must(t, m.Remove("a")) },
			nothing: "a=",
			prefix:  []string{"", "a="},
		},
		{
			name:    "removed and synced",
			run:     func(t *testing.T, m *Mem) { must(t, m.Remove("a")); must(t, m.SyncDir("/")) },
			nothing: "",
			prefix:  []string{""},
		},
		{
			name: "removed and made again",
			run: func(t *testing.T, m *Mem) {
				put(t, open(t, m, "a"), "x")
				m.SyncAll()
				must(t, m.Remove("a"))
				open(t, m, "a")
			},
			nothing: "a=x",
			prefix:  []string{"", "a=", "a=x"},
		},
		{
			name: "truncated",
			run: func(t *testing.T, m *Mem) {
				f := open(t, m, "a")
				put(t, f, "xy")
				must(t, f.Sync())
				must(t, f.Truncate(1))
			},
			nothing: "a=xy",
			prefix:  []string{"a=x", "a=xy"},
		},
		{
			name: "truncated and written over",
			run: func(t *testing.T, m *Mem) {
				f := open(t, m, "a")
				put(t, f, "xy")
				must(t, f.Sync())
				must(t, f.Truncate(1))
				put(t, f, "z")
			},
			nothing: "a=xy",
			prefix:  []string{"a=x", "a=xy", "a=xz"},
			subset:  []string{"a=x", "a=x\x00", "a=xy", "a=xz"},
		},
		{
			name:    "mkdir",
			run:     func(t *testing.T, m *Mem) { must(t, m.Mkdir("d", 0o700)); must(t, m.Replace("d/f", nil, 0o600)) },
			nothing: "a=",
			prefix:  []string{"a=", "a= d=/"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMem()
			must(t, open(t, m, "a").Close())
			m.SyncAll()
			c.run(t, m)
			before := contents(t, m)
			if c.subset == nil {
				c.subset = c.prefix
			}
			for kept, want := range map[Kept][]string{KeptNothing: {c.nothing}, KeptPrefix: c.prefix, KeptSubset: c.subset, KeptCache: {before}} {
				slices.Sort(want)
				if got := outcomes(t, m, kept); !slices.Equal(got, want) {
					t.Errorf("%v leaves\n%q, want\n%q", Loss{Kept: kept}, got, want)
				}
			}
			if after := contents(t, m); after != before {
				t.Errorf("Crash changed the disk itself from %q to %q", before, after)
			}
			m.SyncAll()
			if got := outcomes(t, m, KeptSubset); !slices.Equal(got, []string{before}) {
				t.Errorf("after SyncAll a cut leaves %q, want %q", got, before)
			}
		})
	}
}

func TestCrashAcrossDirectories(t *testing.T) {
	m := NewMem()
	must(t, m.Mkdir("from", 0o700))
	must(t, m.Mkdir("to", 0o700))
	m.SyncAll()
	f := open(t, m, "from/w")
	put(t, f, "x")
	must(t, f.Sync())
	must(t, m.Rename("from/w", "from/x"))
	must(t, m.Rename("from/x", "to/y"))
	must(t, m.SyncDir("to")) // brings along what the name came from
	c := m.Crash(Loss{Kept: KeptNothing})
	if from, to := list(t, c, "from"), list(t, c, "to"); from != "" || to != "y" {
		t.Errorf("from holds %q, to holds %q", from, to)
	}
	wantText(t, c, "to/y", "x")
	if len(m.pending) != 0 {
		t.Errorf("%d changes still pending", len(m.pending))
	}
}

func TestCrashModes(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	m.SyncAll()
	must(t, f.Chmod(0o400))
	must(t, f.Sync())
	must(t, m.SyncDir("/"))
	seen := map[fs.FileMode]bool{}
	for _, l := range Losses(1, 20) {
		seen[stat(t, m.Crash(l), "a").Mode] = true
	}
	if !seen[0o600] || !seen[0o400] || len(seen) != 2 {
		t.Errorf("modes after a cut: %v; no sync promises one", seen)
	}
	if mode := stat(t, m.Crash(Loss{Kept: KeptNothing}), "a").Mode; mode != 0o600 {
		t.Errorf("strictest cut leaves %v", mode)
	}
}

// Sectors of a long write land on their own.
func TestCrashTornSectors(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	put(t, f, strings.Repeat("s", 300))
	m.SyncAll()
	put(t, f, strings.Repeat("n", 2000)) // 212 bytes to the sector's end, three sectors, 252 bytes
	holes, cuts := false, map[int]bool{}
	for seed := range uint64(400) {
		text := read(t, m.Crash(Loss{KeptSubset, seed}), "a")
		if !strings.HasPrefix(text, strings.Repeat("s", 300)) {
			t.Fatalf("seed %d: synced bytes are gone", seed)
		}
		cuts[len(text)] = true
		for at := 300; at < len(text); {
			end := min(len(text), (at/512+1)*512)
			part := text[at:end]
			torn := strings.Trim(part, "n") != "" && strings.Trim(part, "\x00") != ""
			if torn && (part[0] == 0 || strings.Contains(text[end:], "n")) {
				t.Fatalf("seed %d: the sector at %d is torn, and bytes behind it landed: %q", seed, at, part)
			}
			holes = holes || part[0] == 0 && strings.Contains(text[end:], "n")
			at = end
		}
	}
	if !holes {
		t.Error("no outcome has a lost sector before one that landed")
	}
	if len(cuts) < 50 || !cuts[300] || !cuts[1536] || !cuts[2048] || !cuts[2300] {
		t.Errorf("only %d lengths, or not those at the ends of sectors", len(cuts))
	}
}

func TestCrashDeterministic(t *testing.T) {
	m := NewMem()
	for i := range 20 {
		put(t, open(t, m, fmt.Sprint("f", i)), strings.Repeat("x", 100*i+1))
	}
	different := map[string]bool{}
	for _, l := range Losses(7, 10) {
		first := contents(t, m.Crash(l))
		if again := contents(t, m.Crash(l)); again != first {
			t.Errorf("%v gives two disks", l)
		}
		different[first] = true
	}
	if len(different) < 15 {
		t.Errorf("22 losses give only %d disks", len(different))
	}
}

// A disk and what a crash made of it share nothing.
func TestCrashCopies(t *testing.T) {
	m := NewMem()
	f := open(t, m, "a")
	put(t, f, "synced")
	m.SyncAll()
	put(t, f, ", not")
	for _, l := range Losses(1, 3) {
		c := m.Crash(l)
		w, err := c.OpenFile("a", os.O_RDWR, 0)
		must(t, err)
		_, err = w.WriteAt([]byte("SYNC"), 0)
		must(t, err)
		must(t, w.Sync())
		must(t, w.Truncate(1))
		must(t, c.Rename("a", "b"))
		must(t, c.Mkdir("d", 0o700))
		c.SyncAll()
		wantText(t, m, "a", "synced, not")
		wantText(t, m.Crash(Loss{Kept: KeptNothing}), "a", "synced")
		wantText(t, c.Crash(Loss{Kept: KeptNothing}), "b", "S")
		if got := list(t, m, "/"); got != "a" {
			t.Errorf("%v: directory holds %q", l, got)
		}
	}
}

// An inode number may be given out again as soon as nothing on the medium has it, and not before.
func TestInodeReuse(t *testing.T) {
	m := NewMem()
	must(t, open(t, m, "a").Close())
	m.SyncAll()
	old := stat(t, m, "a").ID
	must(t, m.Remove("a"))
	must(t, open(t, m, "b").Close())
	if id := stat(t, m, "b").ID; id == old {
		t.Error("number reused while a cut can bring the old file back")
	}
	must(t, m.SyncDir("/"))
	must(t, open(t, m, "c").Close())
	if id := stat(t, m, "c").ID; id != old {
		t.Errorf("got %v, want the free number of %v", id, old)
	}
}
