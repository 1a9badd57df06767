package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// How patient progress is: a job that is done within progressAfter shows none; where nobody
// watches, a line is written each progressEvery.
const (
	progressAfter = time.Second
	progressEvery = 30 * time.Second
)

// Progress tells how far long work has come: a bar with rate and time left on a terminal, a line
// now and then elsewhere. It shows nothing unless it is called, so work that is stuck stays silent.
// It is safe for concurrent use. A nil *Progress shows nothing.
type Progress struct {
	mu    sync.Mutex
	out   *Stream
	what  string
	total int64
	done  int64
	start time.Time
	last  time.Time                // of the last line, off a terminal
	bar   *progressbar.ProgressBar // nil off a terminal
	over  bool                     // nothing (more) to say: stopped, no work, or a stream that is gone
}

// Progress starts the progress of work over total bytes; what names it in a word. Call
// [Progress.Stop] before anything else is written to the stream.
func (s *Stream) Progress(what string, total int64) *Progress {
	now := time.Now()
	p := &Progress{out: s, what: Escape(what), total: total, start: now, last: now, over: total <= 0}
	if s.tty && total > 0 {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(afterAWhile{s, now}),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetTheme(progressbar.ThemeASCII),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowTotalBytes(true),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionThrottle(200*time.Millisecond),
		)
	}
	return p
}

// afterAWhile drops what is written in the first moments, so that the bar counts from the start of
// the work and yet is not seen when the work is short.
type afterAWhile struct {
	w     io.Writer
	start time.Time
}

func (a afterAWhile) Write(p []byte) (int, error) {
	if time.Since(a.start) < progressAfter {
		return len(p), nil
	}
	return a.w.Write(p)
}

// Set says that done bytes of the work are behind us. It never goes back.
func (p *Progress) Set(done int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = min(max(p.done, done), p.total)
	switch {
	case p.over:
	case p.bar != nil:
		p.note(p.bar.Set64(p.done))
	default:
		p.showLine()
	}
}

// Stop ends the progress and clears the bar away.
func (p *Progress) Stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && !p.over {
		p.note(p.bar.Clear())
	}
	p.over = true
}

// showLine writes one plain line each progressEvery.
func (p *Progress) showLine() {
	now := time.Now()
	if now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	elapsed := now.Sub(p.start)
	percent := 100 * float64(p.done) / float64(p.total)
	rate := float64(p.done) / elapsed.Seconds()
	_, err := fmt.Fprintf(p.out, "%s: %s of %s (%.0f %%) after %s, %s/s\n",
		p.what, Bytes(p.done), Bytes(p.total), percent, Duration(elapsed), Bytes(int64(rate)))
	p.note(err)
}

// note keeps quiet from now on if the stream is gone: progress is not worth failing for.
func (p *Progress) note(err error) {
	if err != nil {
		p.over = true
	}
}
