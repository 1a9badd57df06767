package segment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/internal/durable"
)

// watched is a source in memory that counts how it is used.
type watched struct {
	name  string
	data  []byte
	cut   int64 // size of its extents; 0: as wished
	fails func(Extent) error

	open   *atomic.Int64 // sources open now
	opened atomic.Bool
	closed atomic.Int64
}

func (w *watched) Name() string       { return w.name }
func (w *watched) Segment() Name      { return Name{Number: 1} }
func (w *watched) State() State       { return StateSealed }
func (w *watched) Size() int64        { return int64(len(w.data)) }
func (w *watched) Info() durable.Info { return durable.Info{} }

func (w *watched) Extents(size int) []Extent {
	if len(w.data) == 0 {
		return nil
	}
	if w.opened.CompareAndSwap(false, true) && w.open != nil {
		w.open.Add(1)
	}
	if w.cut > 0 {
		size = int(w.cut)
	}
	return cut(w.Size(), int64(size))
}

// Read finds its lines in the plainest way.
func (w *watched) Read(e Extent, buf []byte) (Chunk, error) {
	if w.fails != nil {
		if err := w.fails(e); err != nil {
			return Chunk{}, err
		}
	}
	c := Chunk{Offset: e.Offset, Data: buf[:0]}
	for at, text := range (Chunk{Data: w.data}).Lines() {
		if at < e.Offset || at >= e.Offset+e.Size {
			continue
		}
		if len(c.Data) == 0 {
			c.Offset = at
		}
		c.Data = append(c.Data, text...)
		if at+int64(len(text)) < w.Size() {
			c.Data = append(c.Data, '\n')
		}
	}
	return c, nil
}

func (w *watched) Close() error {
	w.closed.Add(1)
	if w.opened.CompareAndSwap(true, false) && w.open != nil {
		w.open.Add(-1)
	}
	return nil
}

// copyLines is work that keeps the lines, with their places.
func copyLines(p Position, c Chunk) ([]string, error) {
	var got []string
	for at, text := range c.Lines() {
		got = append(got, fmt.Sprintf("%d/%d %s", p.Source, at, text))
	}
	return got, nil
}

func TestWalkJoinsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var srcs []Source
		var want []string
		for i := range rapid.IntRange(0, 5).Draw(t, "sources") {
			w := &watched{data: someBytes(t)}
			srcs = append(srcs, w)
			for _, l := range naiveLines(w.data, 1<<20) {
				want = append(want, fmt.Sprintf("%d/%d %s", i, l.offset, l.text))
			}
		}
		o := WalkOptions{Workers: rapid.IntRange(1, 5).Draw(t, "workers"), ExtentSize: rapid.IntRange(1, 90).Draw(t, "extent")}
		var got []string
		last := Position{Source: -1}
		err := Walk(context.Background(), srcs, o, copyLines, func(p Position, lines []string, err error) error {
			switch {
			case err != nil:
				t.Fatal(err)
			case p.Source == last.Source && p.Offset != last.Offset+last.Size, p.Source != last.Source && p.Offset != 0:
				t.Fatalf("%+v joined after %+v", p, last)
			}
			last = p
			got = append(got, lines...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %.300q\nwant %.300q", got, want)
		}
		for i, s := range srcs {
			if n := s.(*watched).closed.Load(); n != 1 {
				t.Fatalf("source %d was closed %d times", i, n)
			}
		}
	})
}

func TestWalkGoesOnAfterAnError(t *testing.T) {
	unreadable, odd := errors.New("bad sector"), errors.New("odd line")
	srcs := []Source{
		&watched{name: "audit-0001.jsonl", data: []byte("one\ntwo\nsix\n"), cut: 4, fails: func(e Extent) error {
			if e.Offset == 4 {
				return unreadable
			}
			return nil
		}},
		&watched{name: "audit.log", data: []byte("ten\n")},
	}
	work := func(p Position, c Chunk) (string, error) {
		if string(c.Data) == "six\n" {
			return "six with an error", odd
		}
		return string(c.Data), nil
	}
	var got []string
	err := Walk(context.Background(), srcs, WalkOptions{}, work, func(p Position, s string, err error) error {
		var read *ReadError
		if errors.As(err, &read) {
			if !errors.Is(err, unreadable) || read.Name != "audit-0001.jsonl" || read.Extent != (Extent{4, 4}) {
				t.Errorf("read error %v says %+v", err, read)
			}
			s = "unreadable"
		} else if err != nil && !errors.Is(err, odd) {
			t.Errorf("unexpected %v", err)
		}
		got = append(got, fmt.Sprintf("%d:%s", p.Offset, s))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "[0:one\n 4:unreadable 8:six with an error 0:ten\n]"; fmt.Sprint(got) != want {
		t.Errorf("joined %q, want %q", got, want)
	}
}

func TestWalkStops(t *testing.T) {
	enough := errors.New("enough")
	for _, stop := range []string{"join", "context", "before"} {
		var open atomic.Int64
		var srcs []Source
		for range 40 {
			srcs = append(srcs, &watched{data: []byte("one\ntwo\nsix\n"), cut: 4, open: &open})
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		if stop == "before" {
			cancel(enough)
		}
		joined := 0
		err := Walk(ctx, srcs, WalkOptions{Workers: 3}, copyLines, func(Position, []string, error) error {
			joined++
			switch {
			case joined < 7:
			case stop == "join":
				return enough
			case stop == "context":
				cancel(enough)
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("%s: got %v, want the error that ended it", stop, err)
		}
		if want := map[string]int{"join": 7, "context": 7, "before": 0}[stop]; joined != want {
			t.Errorf("%s: joined %d extents, want %d", stop, joined, want)
		}
		if n := open.Load(); n != 0 {
			t.Errorf("%s: %d sources left open", stop, n)
		}
	}
}

// While the first extent takes long, the others run ahead, but only so far.
func TestWalkBoundsWhatIsInFlight(t *testing.T) {
	const workers = 2
	var open atomic.Int64
	var srcs []Source
	for range 100 {
		srcs = append(srcs, &watched{data: []byte("a line\n"), open: &open})
	}
	var mu sync.Mutex
	started, joined, most := 0, 0, 0
	full := make(chan struct{})
	work := func(p Position, _ Chunk) (int, error) {
		mu.Lock()
		started++
		most = max(most, started-joined)
		if started == workers+2 {
			close(full)
		}
		mu.Unlock()
		if p.Source == 0 {
			<-full
		}
		return p.Source, nil
	}
	err := Walk(context.Background(), srcs, WalkOptions{Workers: workers}, work, func(p Position, n int, err error) error {
		mu.Lock()
		defer mu.Unlock()
		joined++
		if n != p.Source {
			t.Errorf("result of source %d joined for %d", n, p.Source)
		}
		if n := open.Load(); n > workers+3 {
			t.Errorf("%d sources open at once", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if joined != len(srcs) || most != workers+2 {
		t.Errorf("joined %d of %d, at most %d in flight, want %d", joined, len(srcs), most, workers+2)
	}
}

func TestWalkReportsAFailedClose(t *testing.T) {
	bad := errors.New("close failed")
	srcs := []Source{&watched{data: []byte("a\n")}, failingClose{&watched{data: []byte("b\n")}, bad}, &watched{data: []byte("c\n")}}
	err := Walk(context.Background(), srcs, WalkOptions{Workers: 1}, copyLines, func(Position, []string, error) error { return nil })
	if !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

type failingClose struct {
	*watched
	err error
}

func (f failingClose) Close() error { return f.err }

func BenchmarkWalk(b *testing.B) {
	data := make([]byte, 0, 32<<20)
	for len(data) < cap(data)-400 {
		data = append(data, make([]byte, 380)...)
		data = append(data, '\n')
	}
	srcs := []Source{onDisk(b, data, fullReach)}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		lines := 0
		err := Walk(context.Background(), srcs, WalkOptions{}, func(_ Position, c Chunk) (int, error) {
			n := 0
			for range c.Lines() {
				n++
			}
			return n, nil
		}, func(_ Position, n int, err error) error { lines += n; return err })
		if err != nil || lines < len(data)/400 {
			b.Fatal(lines, err)
		}
	}
}
