package segment

import (
	"errors"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

// TestF12LockFileHalfMade leaves what a power cut may leave of a lock file that was being made: two names of
// ours, and little or nothing behind them. It stands in nobody's way; one more name, and it does.
func TestF12LockFileHalfMade(t *testing.T) {
	lock, temporary := testHome+"/"+FlockName, testHome+"/."+FlockName+"123"
	for _, content := range []string{"", "   ", "\x00\x00", "suspect 1 2"} {
		m := durable.NewMem()
		o := memOptions(m)
		l := openLog(t, o)
		mustAppend(t, l, 0)
		closeLog(t, l)
		if err := m.Remove(lock); err != nil {
			t.Fatal(err)
		}
		addTo(t, m, temporary, content)
		if err := errors.Join(m.Link(temporary, lock), m.Link(temporary, testHome+"/other")); err != nil {
			t.Fatal(err)
		}
		l = openLog(t, o)
		if _, err := l.Append(t.Context(), event(1)); !errors.Is(err, ErrRefused) {
			t.Errorf("%q under a third name: %v", content, err)
		}
		closeLog(t, l)
		if err := m.Remove(testHome + "/other"); err != nil {
			t.Fatal(err)
		}
		l = openLog(t, o)
		mustAppend(t, l, 1)
		closeLog(t, l)
		if _, err := m.Stat(temporary); err == nil {
			t.Errorf("%q: the temporary name is left", content)
		}
	}
}
