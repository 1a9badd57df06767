package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/segment"
)

// Errors of a [Store].
var (
	// ErrConflict: the store has other bytes under the key. It keeps them.
	ErrConflict = errors.New("the store has other bytes under this key")
	// ErrKey: no object can have this key.
	ErrKey = errors.New("not a key")
)

// LeftoverError says that the object is there, durable under its key, and that a name which was only
// needed to put it there stays, too.
type LeftoverError struct {
	Name string // where the store is
	Err  error  // why it could not be removed
}

func (e *LeftoverError) Error() string {
	return "the object is stored, a temporary name stays: " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *LeftoverError) Unwrap() error { return e.Err }

// Store keeps objects elsewhere: each once, under a key of its own, for good. It has no way to change
// or to delete one. An object that is not there is fs.ErrNotExist. All methods are safe for concurrent
// use, also by several processes.
//
// A key is one to four words with slashes between them; a word is up to 200 letters, digits, dots,
// hyphens and underscores of ASCII and does not start with a dot. Any other is ErrKey.
type Store interface {
	// Put keeps the bytes that r gives up to io.EOF under key. When it returns nil they are durable;
	// when it returns an error, the key has them all or does not exist. If the store has the same
	// bytes there already, that is fine; if it has others, ErrConflict.
	Put(ctx context.Context, key string, r io.Reader) error
	// Get gives the bytes under key. Whoever gets a reader closes it.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Stat describes the object under key.
	Stat(ctx context.Context, key string) (Object, error)
	// List gives the objects whose key starts with prefix, in the order of their keys. An empty
	// prefix is every object.
	List(ctx context.Context, prefix string) ([]Object, error)
}

// Object describes what a store has under a key.
type Object struct {
	Key  string
	Size int64 // bytes
}

// Key is the key of a segment's file in a store: the log, the segment, and the first 16 digits of the
// SHA-256 of its raw bytes, so that copies of two homes that fell apart never meet.
func Key(log chain.Hash, name segment.Name, raw chain.Hash, form segment.Form) string {
	return fmt.Sprintf("%v/%v.%s%s", log, name, raw.String()[:keyDigits], suffix(form))
}

// Bounds of keys.
const (
	keyDigits = 16 // of a SHA-256
	maxWords  = 4
	maxWord   = 200
)

// checkKey is ErrKey for what is no key. What passes can be a path on any file system.
func checkKey(key string) error {
	words := strings.Split(key, "/")
	ok := len(words) <= maxWords
	for _, w := range words {
		ok = ok && w != "" && len(w) <= maxWord && w[0] != '.' && strings.IndexFunc(w, notInKey) < 0
	}
	if !ok {
		return fmt.Errorf("%.300q: %w", key, ErrKey)
	}
	return nil
}

func notInKey(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
		return false
	}
	return true
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
