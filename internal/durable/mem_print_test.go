package durable

import (
	"testing"
	"time"
)

// Whatever is another on a disk, or pending, gives another fingerprint, and what is only looked at does not.
func TestFingerprint(t *testing.T) {
	base := func(change func(m *Mem)) [32]byte {
		m := NewMem()
		m.SetClock(func() time.Time { return time.Unix(1, 0) })
		must(t, m.Mkdir("d", 0o700))
		write(t, m, "d/a", "text")
		change(m)
		return m.Fingerprint()
	}
	same := base(func(*Mem) {})
	if base(func(m *Mem) { wantText(t, m, "d/a", "text") }) != same {
		t.Error("looking changes it")
	}
	for name, change := range map[string]func(m *Mem){
		"a byte":             func(m *Mem) { must(t, m.Replace("d/a", []byte("texT"), 0o600)) },
		"a name":             func(m *Mem) { must(t, m.Rename("d/a", "d/b")) },
		"a second name":      func(m *Mem) { must(t, m.Link("d/a", "d/b")) },
		"a mode":             func(m *Mem) { must(t, m.Chmod("d/a", 0o400)) },
		"what is synced":     func(m *Mem) { m.SyncAll() },
		"what a name is for": func(m *Mem) { must(t, m.Remove("d/a")); must(t, m.Mkdir("d/a", 0o700)) },
	} {
		if base(change) == same {
			t.Errorf("%s makes no difference", name)
		}
	}
}
