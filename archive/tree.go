package archive

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/opscontext/opscontext/chain"
)

// tree is a Merkle tree (RFC 6962) that grows by one leaf at a time. Of what is full it keeps the root
// of each subtree alone, so that it takes 32 bytes for each doubling of its leaves.
type tree struct {
	full []tlog.Hash // roots of the full subtrees, largest first
	n    uint64      // leaves: each bit that is set is a full subtree
}

// leafOf is what the tree has of a record: [tlog.RecordHash] of its hash, without the allocation and
// the calls that this takes for content of any length.
func leafOf(record chain.Hash) tlog.Hash {
	var b [1 + len(record)]byte // 0x00 says leaf
	copy(b[1:], record[:])
	return sha256.Sum256(b[:])
}

func (t *tree) add(leaf tlog.Hash) {
	for n := t.n; n&1 == 1; n >>= 1 {
		last := len(t.full) - 1
		leaf = tlog.NodeHash(t.full[last], leaf)
		t.full = t.full[:last]
	}
	t.full = append(t.full, leaf)
	t.n++
}

// root is the hash of the tree, that of no bytes if it has no leaf.
func (t *tree) root() chain.Hash {
	if t.n == 0 {
		return sha256.Sum256(nil)
	}
	h := t.full[len(t.full)-1]
	for i := len(t.full) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.full[i], h)
	}
	return chain.Hash(h)
}
