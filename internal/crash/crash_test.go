package crash

import (
	"os"
	"slices"
	"testing"

	"github.com/opscontext/opscontext/internal/durable"
)

// twoWrites leaves two unsynced writes, and then a synced file.
func twoWrites(m *durable.Mem) {
	f, err := m.OpenFile("a", os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	for _, text := range []string{"one", "two"} {
		if _, err := f.Write([]byte(text)); err != nil {
			return
		}
	}
	if err := f.Sync(); err != nil {
		return
	}
	_ = m.SyncDir("/") // the disk may have stopped
}

func drawn(t *testing.T, cuts int) (states []string, c *Counter) {
	c = &Counter{}
	for at, disk := range c.Each(durable.NewMem(), cuts, twoWrites) {
		text := "no file"
		if f, err := disk.OpenFile("a", os.O_RDONLY, 0); err == nil {
			b := make([]byte, 10)
			n, _ := f.ReadAt(b, 0)
			text = string(b[:n])
		}
		states = append(states, at.String()+": "+text)
	}
	return states, c
}

// Each point yields each disk once, whatever is drawn, and the same ones again.
func TestEach(t *testing.T) {
	few, c := drawn(t, 1)
	if n := c.States(); int(n) != len(few) || n < 12 {
		t.Errorf("%d states counted, %d yielded", n, len(few))
	}
	again, _ := drawn(t, 1)
	if !slices.Equal(few, again) {
		t.Errorf("%q\n%q", few, again)
	}
	many, c := drawn(t, 200)
	if len(many) <= len(few) || c.drawn.Load() < 5*c.States() {
		t.Errorf("%d states, %d of them new, of %d drawn", len(few), len(many), c.drawn.Load())
	}
	if got := many[len(many)-1]; got[len(got)-6:] != "onetwo" {
		t.Errorf("what was synced is not there: %s", got)
	}
	for range c.Each(durable.NewMem(), 1, twoWrites) {
		break // may be left early
	}
}

// Too few states fail the test that counts them.
func TestAtLeast(t *testing.T) {
	c := &Counter{sample: 4}
	c.distinct.Store(3)
	var said recorder
	if c.AtLeast(&said, 12); said.failed {
		t.Error("3 of a quarter of 12 fail")
	}
	if c.AtLeast(&said, 16); !said.failed {
		t.Error("3 of a quarter of 16 pass")
	}
}

// recorder notes that it was failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
