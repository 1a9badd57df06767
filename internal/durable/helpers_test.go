package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// tb is what the helpers need; a *rapid.T has it too.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr wants an error of the kind and its path in a type that carries it.
func wantErr(t tb, err, kind error, path string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe) && pe.Path == path:
	case errors.As(err, &le) && (le.Old == path || le.New == path):
	default:
		t.Fatalf("error %q (%T) does not carry the path %s", err, err, path)
	}
}

func write(t tb, fsys FS, name, text string) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	must(t, err)
	n, err := f.Write([]byte(text))
	if n != len(text) || err != nil {
		t.Fatalf("write of %d bytes: %d, %v", len(text), n, err)
	}
	must(t, f.Close())
}

func read(t tb, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	must(t, err)
	b, err := io.ReadAll(f)
	must(t, err)
	must(t, f.Close())
	return string(b)
}

func wantText(t tb, fsys FS, name, want string) {
	t.Helper()
	if got := read(t, fsys, name); got != want {
		t.Fatalf("%s holds %q, want %q", name, got, want)
	}
}

func wantGone(t tb, fsys FS, name string) {
	t.Helper()
	_, err := fsys.Stat(name)
	wantErr(t, err, fs.ErrNotExist, name)
}

func stat(t tb, fsys FS, name string) Info {
	t.Helper()
	info, err := fsys.Stat(name)
	must(t, err)
	return info
}

func list(t tb, fsys FS, dir string) string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
