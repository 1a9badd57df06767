package segment

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opscontext/opscontext/internal/durable"
)

// Whoever leads does not stay for the mark. It is moved a moment later, and by Close at the latest.
func TestMarkFollowsWhoLed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, memOptions(durable.NewMem()))
		markAt := func(when string, n int64) {
			t.Helper()
			if mark, ok := l.w.mem.Mark(); !ok || mark.Records != n {
				t.Errorf("%s the mark is at record %d, %v; want %d", when, mark.Records, ok, n)
			}
		}
		appendOne := func(n int) {
			t.Helper()
			if _, err := l.Append(context.Background(), event(n)); err != nil {
				t.Fatal(err)
			}
		}
		appendOne(1)
		markAt("after the first append", 1)
		appendOne(2)
		appendOne(3)
		markAt("right after the next ones", 1)
		time.Sleep(markAfter)
		synctest.Wait()
		markAt("after a moment's rest", 3)
		const step, more = markAfter / 2, 2 * int64(markEvery/(markAfter/2))
		for n := range more {
			time.Sleep(step)
			appendOne(4 + int(n))
		}
		if mark, _ := l.w.mem.Mark(); mark.Records < 3+more-int64(markEvery/step)-1 {
			t.Errorf("without a rest the mark is at record %d of %d", mark.Records, 3+more)
		}
		closeLog(t, l)
		markAt("after Close", 3+more)
	})
}

// Who cannot stop waiting leads, who can does not; and whoever comes meanwhile is served by somebody.
func TestLeading(t *testing.T) {
	m := durable.NewMem()
	o := memOptions(m)
	var during func()
	o.Now = func() time.Time { // is asked for each batch, by whoever leads
		during()
		return ticking(testStart)()
	}
	stack := make([]byte, 64<<10)
	led := func() bool {
		n := runtime.Stack(stack, false)
		return bytes.Contains(stack[:n], []byte("TestLeading("))
	}
	l := openLog(t, o)
	var own []bool
	during = func() { own = append(own, led()) }
	for _, ctx := range []context.Context{context.Background(), t.Context()} {
		own = nil
		if _, err := l.Append(ctx, event(1)); err != nil {
			t.Fatal(err)
		}
		if cannotStop := ctx.Done() == nil; len(own) == 0 || own[0] != cannotStop {
			t.Errorf("a caller that cannot stop: %v; leads: %v", cannotStop, own)
		}
	}
	var others sync.WaitGroup
	var once sync.Once
	during = func() {
		once.Do(func() {
			for n := range 20 {
				others.Go(func() {
					if _, err := l.Append(context.Background(), event(n)); err != nil {
						t.Error(err)
					}
				})
			}
			for waiting := 0; waiting < 20; { // the leader has its own request already
				l.mu.Lock()
				waiting = len(l.queue)
				l.mu.Unlock()
				runtime.Gosched()
			}
		})
	}
	if _, err := l.Append(context.Background(), event(2)); err != nil {
		t.Fatal(err)
	}
	others.Wait()
	closeLog(t, l)
	if h, err := walkHome(m, testHome); err != nil || h.count("test.event") != 23 {
		t.Errorf("%d events, %v; want 23", h.count("test.event"), err)
	}
}
