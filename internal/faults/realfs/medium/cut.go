//go:build linux

package medium

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Loss says what becomes of unsynced changes when the power goes.
type Loss string

// All are lost; or those from some moment on, the one at that moment being torn; or any of them, as a
// disk's cache and a file system that orders nothing may have it.
const (
	LoseAll    Loss = "all"
	LoseLater  Loss = "prefix"
	LoseSubset Loss = "subset"
)

// Losses are all there are.
var Losses = []Loss{LoseAll, LoseLater, LoseSubset}

// Cut is a tree at a moment: what is on the medium, and what is not yet.
type Cut struct {
	disk    state
	pending []change
}

// Pending counts the changes that are not on the medium.
func (c Cut) Pending() int { return len(c.pending) }

// Cut takes the present moment.
func (t *Tree) Cut() Cut {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut()
}

func (t *Tree) cut() Cut { return Cut{t.disk.clone(), slices.Clone(t.pending)} }

// After gives a tree that holds what a power cut leaves.
func (c Cut) After(loss Loss, model Model, r *rand.Rand) *Tree {
	s := c.disk.clone()
	switch loss {
	case LoseAll:
	case LoseLater:
		k := r.IntN(len(c.pending) + 1)
		for _, p := range c.pending[:k] {
			p.to(&s)
		}
		if k < len(c.pending) {
			tear(c.pending[k], r, &s)
		}
	case LoseSubset:
		kept := r.IntN(len(c.pending) + 1) // of a journal, up to here
		for i, p := range c.pending {
			if model == Journal && names(p) {
				if i < kept {
					p.to(&s)
				}
				continue
			}
			switch r.IntN(8) {
			case 0, 1, 2:
				p.to(&s)
			case 3:
				tear(p, r, &s)
			}
		}
	}
	return newTree(s, model)
}

// tear makes the first part of a write, and nothing of another change.
func tear(p change, r *rand.Rand, s *state) {
	if w, ok := p.(wrote); ok {
		w.data = w.data[:r.IntN(len(w.data)+1)]
		w.to(s)
	}
}

// Write writes the tree as programs see it to a directory of another file system. Files with several
// names have them there, too.
func (t *Tree) Write(dir string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now.write(rootIno, dir, map[uint64]string{})
}

func (s *state) write(ino uint64, name string, written map[uint64]string) error {
	n := s.node(ino)
	if !n.mode.IsDir() {
		if first, ok := written[ino]; ok {
			return os.Link(first, name)
		}
		written[ino] = name
		if err := os.WriteFile(name, n.data, 0o600); err != nil {
			return err
		}
		return os.Chmod(name, n.mode.Perm())
	}
	if err := os.Mkdir(name, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	for kid, ino := range n.kids {
		if err := s.write(ino, filepath.Join(name, kid), written); err != nil {
			return err
		}
	}
	return os.Chmod(name, n.mode.Perm())
}

// String lists the tree: for messages.
func (t *Tree) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	t.now.list(rootIno, "", &lines)
	slices.Sort(lines)
	return fmt.Sprint(lines)
}

func (s *state) list(ino uint64, name string, lines *[]string) {
	n := s.node(ino)
	if !n.mode.IsDir() {
		*lines = append(*lines, fmt.Sprintf("%s %o %d", name, n.mode.Perm(), len(n.data)))
	}
	for kid, ino := range n.kids {
		s.list(ino, filepath.Join(name, kid), lines)
	}
}
