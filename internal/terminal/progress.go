package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// How patient progress is: a job that is done within progressAfter shows none; a bar is drawn anew after
// progressRedraw, and where nobody watches, a line is written each progressEvery.
const (
	progressAfter  = time.Second
	progressRedraw = 200 * time.Millisecond
	progressEvery  = 30 * time.Second
)

// progressWidth is how many columns a bar has.
const progressWidth = 20

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
	last  time.Time // of what was written last
	drawn int       // columns of the bar that is to be seen
	over  bool      // nothing (more) to say: stopped, no work, or a stream that is gone
}

// Progress starts the progress of work over total bytes; what names it in a word. Call
// [Progress.Stop] before anything else is written to the stream.
func (s *Stream) Progress(what string, total int64) *Progress {
	now := time.Now()
	return &Progress{out: s, what: Escape(what), total: total, start: now, last: now, over: total <= 0}
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
	case p.out.tty:
		p.showBar()
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
	if p.drawn > 0 && !p.over {
		p.draw("")
		p.note(io.WriteString(p.out, "\r"))
	}
	p.over = true
}

// showBar draws the bar, unless it is too early for it.
func (p *Progress) showBar() {
	now := time.Now()
	elapsed := now.Sub(p.start)
	if elapsed < progressAfter || now.Sub(p.last) < progressRedraw {
		return
	}
	p.last = now
	share := float64(p.done) / float64(p.total)
	full := int(share * progressWidth)
	bar := strings.Repeat("#", full) + strings.Repeat("-", progressWidth-full)
	text := fmt.Sprintf("%s %3.0f %% [%s] %s of %s", p.what, 100*share, bar, Bytes(p.done), Bytes(p.total))
	if p.done > 0 {
		left := time.Duration(float64(elapsed) * (1 - share) / share)
		text += fmt.Sprintf(", %s/s, %s left", Bytes(int64(float64(p.done)/elapsed.Seconds())), Duration(left))
	}
	p.draw(text)
}

// draw puts text, which is one line, where the bar is.
func (p *Progress) draw(text string) {
	if len(text) >= p.out.width {
		text = text[:p.out.width-1] // a line that wraps cannot be drawn over
	}
	p.note(fmt.Fprintf(p.out, "\r%-*s", p.drawn, text))
	p.drawn = len(text)
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
	p.note(fmt.Fprintf(p.out, "%s: %s of %s (%.0f %%) after %s, %s/s\n",
		p.what, Bytes(p.done), Bytes(p.total), percent, Duration(elapsed), Bytes(int64(rate))))
}

// note keeps quiet from now on if the stream is gone: progress is not worth failing for.
func (p *Progress) note(_ int, err error) {
	if err != nil {
		p.over = true
	}
}
