package doctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is where TestMain has the program put, once a test asks for it.
var built = struct {
	dir  string
	once sync.Once
	err  error
}{}

func TestMain(m *testing.M) {
	var err error
	built.dir, err = os.MkdirTemp("", "doctest")
	if err != nil {
		panic(err)
	}
	if err := os.Chmod(built.dir, 0o755); err != nil { // #nosec G302 -- for a user that is not ours, too
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(built.dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// program builds the program as it stands and gives its path.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(built.dir, "opscontext")
	built.once.Do(func() {
		cmd := exec.Command("go", "build", "-o", path, "./cmd/opscontext")
		cmd.Dir = root
		cmd.Stderr = os.Stderr
		built.err = cmd.Run()
	})
	if built.err != nil {
		t.Fatalf("the program does not build: %v", built.err)
	}
	return path
}
