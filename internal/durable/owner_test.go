package durable

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRootLeavesTheOwnerItsFiles: an administrator who acts on somebody's home as root must not lock
// the owner out of it.
func TestRootLeavesTheOwnerItsFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root can give files away")
	}
	const nobody = 65534
	dir, f := t.TempDir(), OS()
	must(t, os.Chown(dir, nobody, nobody))
	path := func(name string) string { return filepath.Join(dir, name) }
	created, err := f.OpenFile(path("created"), os.O_WRONLY|os.O_CREATE, 0o600)
	must(t, err)
	must(t, created.Close())
	must(t, f.Mkdir(path("made"), 0o700))
	must(t, f.Place(path("placed"), []byte("x"), 0o600))
	must(t, f.Replace(path("replaced"), []byte("x"), 0o600))
	inner, err := f.OpenFile(path("made/inner"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	must(t, err)
	must(t, inner.Close())
	for _, name := range []string{"created", "made", "placed", "replaced", "made/inner"} {
		info, err := f.Stat(path(name))
		must(t, err)
		if info.UID != nobody {
			t.Errorf("%s belongs to uid %d, its directory to %d", name, info.UID, nobody)
		}
	}
	// What is there already keeps its owner.
	must(t, os.WriteFile(path("ours"), nil, 0o600))
	opened, err := f.OpenFile(path("ours"), os.O_WRONLY|os.O_CREATE, 0o600)
	must(t, err)
	must(t, opened.Close())
	if info, err := f.Stat(path("ours")); err != nil || info.UID != 0 {
		t.Errorf("an existing file was given away: %+v, %v", info, err)
	}
}
