package segment

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

func seeded(bug string) bool { return os.Getenv("OPSCONTEXT_SEEDED_BUG") == bug }

// flawedSync is the sync that an acknowledgement waits for, with one of the mistakes that can be made there.
func (w *writer) flawedSync(from int64) error {
	switch {
	case seeded("ack before sync"):
		f := w.live.f
		go func() {
			time.Sleep(5 * time.Millisecond)
			_ = f.Sync() // nobody waits for it
		}()
		return nil
	case seeded("mark before sync"):
		w.remember()
		w.saveMark()
		if err := w.mem.write(markSuffix, 0, durable.File.Sync); err != nil {
			return err
		}
	case seeded("failed sync taken for a good one"):
		_ = w.live.f.Sync()
		return nil
	}
	return w.syncLive(from)
}

// flawedWrite writes, or takes a full disk for one with room.
func flawedWrite(f durable.File, lines []byte) (int, error) {
	n, err := f.Write(lines)
	if seeded("full disk swallowed") && errors.Is(err, syscall.ENOSPC) {
		return len(lines), nil
	}
	return n, err
}

// flawedFlock takes the lock, or steals it from whoever has had it for long.
func (k *locks) flawedFlock(h *held, path string, w *waiter) (bool, error) {
	if seeded("lock stealing") && time.Since(w.since) > 30*time.Millisecond {
		return true, nil
	}
	return k.tryFlock(h, path)
}

// flawedNumber is the number of the next segment, or again that of the first.
func flawedNumber(n int64) int64 {
	if seeded("rename over an existing segment") {
		return 1
	}
	return n
}

// flawedLink links where the name is free, or replaces what has it.
func flawedLink(on durable.FS, was, name string) error {
	if seeded("rename over an existing segment") {
		if err := removeIfThere(on, name); err != nil {
			return err
		}
	}
	return on.Link(was, name)
}

var hoard struct {
	sync.Mutex
	read [][]byte
}

// flawedRead reads into the buffer that there is, or keeps all that was ever read.
func flawedRead(s Source, e Extent, buf []byte) (Chunk, error) {
	if !seeded("memory without bound") {
		return s.Read(e, buf)
	}
	c, err := s.Read(e, nil)
	hoard.Lock()
	defer hoard.Unlock()
	hoard.read = append(hoard.read, c.Data)
	return c, err
}
