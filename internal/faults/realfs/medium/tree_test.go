//go:build linux

package medium

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// play makes a change on a tree: "create a", "write a", "sync a", "rename a b", "link a b", "remove a",
// "mkdir d". A file is known by its last name; "." is the root.
func play(t *testing.T, tree *Tree, doings ...string) {
	t.Helper()
	find := func(name string) (dir uint64, base string, ino uint64) {
		dir = rootIno
		if d, rest, ok := strings.Cut(name, "/"); ok {
			dir, name = tree.now.node(rootIno).kids[d], rest
		}
		if name == "." {
			return 0, "", rootIno
		}
		return dir, name, tree.now.node(dir).kids[name]
	}
	for _, doing := range doings {
		words := strings.Fields(doing)
		dir, name, ino := find(words[1])
		var errno error
		switch words[0] {
		case "create", "mkdir":
			mode := os.FileMode(0o600)
			if words[0] == "mkdir" {
				mode |= os.ModeDir
			}
			if _, e := tree.create(dir, name, mode); e != 0 {
				errno = e
			}
		case "write":
			if _, e := tree.write(ino, []byte("text"), int64(len(tree.now.node(ino).data))); e != 0 {
				errno = e
			}
		case "sync":
			tree.sync(ino)
		case "remove":
			if e := tree.unlink(dir, name); e != 0 {
				errno = e
			}
		case "link", "rename":
			to, as, _ := find(words[2])
			if words[0] == "link" {
				if e := tree.link(ino, to, as); e != 0 {
					errno = e
				}
			} else if e := tree.rename(dir, name, to, as, 0); e != 0 {
				errno = e
			}
		default:
			t.Fatal(doing)
		}
		if errno != nil {
			t.Fatal(doing, errno)
		}
	}
}

func TestOnlyWhatWasSyncedSurvives(t *testing.T) {
	for _, c := range []struct {
		doings string
		strict string // after everything unsynced is lost
		ext4   string
	}{
		{"create a, write a", "[]", "[]"},
		{"create a, write a, sync a", "[]", "[a 600 4]"},
		{"create a, write a, sync .", "[a 600 0]", "[a 600 0]"},
		{"create a, write a, sync a, sync .", "[a 600 4]", "[a 600 4]"},
		{"create a, write a, sync a, sync ., write a", "[a 600 4]", "[a 600 4]"},
		{"create a, sync ., rename a b", "[a 600 0]", "[a 600 0]"},
		{"create a, sync ., rename a b, sync .", "[b 600 0]", "[b 600 0]"},
		{"create a, sync ., rename a b, create c, sync c", "[a 600 0]", "[b 600 0 c 600 0]"},
		{"create a, sync ., link a b, remove a, sync .", "[b 600 0]", "[b 600 0]"},
		{"mkdir d, create d/a, sync d/a, sync d", "[]", "[d/a 600 0]"},
		{"mkdir d, create d/a, sync d, sync .", "[d/a 600 0]", "[d/a 600 0]"},
		// A rename between directories is on the medium whole, whichever of them is synced.
		{"mkdir d, sync ., create a, rename a d/b, sync d", "[d/b 600 0]", "[d/b 600 0]"},
		{"mkdir d, sync ., create a, rename a d/b, sync d, sync .", "[d/b 600 0]", "[d/b 600 0]"},
	} {
		for model, want := range map[Model]string{Strict: c.strict, Journal: c.ext4} {
			tree := NewTree(model)
			play(t, tree, strings.Split(c.doings, ", ")...)
			left := tree.Cut().After(LoseAll, model, rand.New(rand.NewPCG(1, 1)))
			if got := left.String(); got != want {
				t.Errorf("%s, %s: left %s, want %s", model, c.doings, got, want)
			}
		}
	}
}

// Nothing is ever left that was not written, and what was synced is there whatever else is lost.
func TestPartOfTheRestSurvives(t *testing.T) {
	seen := map[int]bool{}
	for seed := range uint64(400) {
		for _, loss := range []Loss{LoseLater, LoseSubset} {
			tree := NewTree(Strict)
			play(t, tree, "create a", "write a", "sync a", "sync .", "write a", "write a")
			left := tree.Cut().After(loss, Strict, rand.New(rand.NewPCG(seed, 1)))
			data := string(left.now.node(left.now.node(rootIno).kids["a"]).data)
			seen[len(data)] = true
			if !strings.HasPrefix(data, "text") || strings.Trim(data, "tex\x00") != "" || len(data) > 12 {
				t.Fatalf("%s, seed %d: left %q", loss, seed, data)
			}
			if loss == LoseLater && strings.Contains(data, "\x00") {
				t.Fatalf("seed %d: a later write came first: %q", seed, data)
			}
		}
	}
	for n := 4; n <= 12; n++ {
		if !seen[n] {
			t.Errorf("no cut left %d bytes", n)
		}
	}
}

func TestARoomThatIsFull(t *testing.T) {
	tree := NewTree(Strict)
	tree.Limit(6)
	play(t, tree, "create a", "write a")
	ino := tree.now.node(rootIno).kids["a"]
	if n, errno := tree.write(ino, []byte("text"), 4); n != 2 || errno != 0 {
		t.Errorf("wrote %d, %v into the last 2 bytes", n, errno)
	}
	if n, errno := tree.write(ino, []byte("text"), 6); n != 0 || errno == 0 {
		t.Errorf("wrote %d, %v where nothing has room", n, errno)
	}
	if n, errno := tree.write(ino, []byte("over"), 1); n != 4 || errno != 0 {
		t.Errorf("wrote %d, %v over what is there", n, errno)
	}
	tree.Unlimit()
	play(t, tree, "write a")
}
