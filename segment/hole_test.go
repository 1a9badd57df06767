package segment

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
)

// holed lays down a live log of five records that are apart as far as said, the third of which never
// reached the medium, as a writer leaves it that does not sync and goes on after a crash.
func holed(t *testing.T, m *durable.Mem, apart time.Duration) (whole []chain.Record) {
	t.Helper()
	return holedAt(t, m, every(apart), 2)
}

// every gives the times of records that are apart as far as said.
func every(apart time.Duration) (times []time.Time) {
	for i := range 5 {
		times = append(times, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*apart))
	}
	return times
}

// holedAt is holed with records of these times, those at some places lost. All but the first hole
// begin within a line.
func holedAt(t *testing.T, m *durable.Mem, times []time.Time, lost ...int) (whole []chain.Record) {
	t.Helper()
	head := chain.Genesis
	var log []byte
	for i, at := range times {
		r, err := chain.Seal(head, at.Format(stampLayout), "test.event", "ops", []byte(`{"text":"`+strings.Repeat("x", 5000)+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		line := chain.AppendLine(nil, &r)
		if at := slices.Index(lost, i); at >= 0 {
			begun := min(at, 1) * 77
			line = append(append(line[:begun:begun], bytes.Repeat([]byte{0}, len(line)-1-begun)...), '\n')
		} else {
			whole = append(whole, r)
		}
		log, head = append(log, line...), r.Hash
	}
	if err := m.Mkdir(testHome, 0o700); err != nil {
		t.Fatal(err)
	}
	addTo(t, m, testHome+"/"+LiveName, string(log))
	return whole
}

func liveText(t *testing.T, m *durable.Mem) string {
	t.Helper()
	text, err := readAll(m, testHome+"/"+LiveName)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOldHoleStaysForVerify: records that were written days after a hole are history. Taking them out
// with it would lose them.
func TestOldHoleStaysForVerify(t *testing.T) {
	m := durable.NewMem()
	whole := holed(t, m, 24*time.Hour)
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	text := liveText(t, m)
	for i, r := range whole {
		if !strings.Contains(text, r.Hash.String()+"\"}\n") {
			t.Errorf("record %d is gone", i)
		}
	}
	if strings.Contains(text, chain.KindTornTail) {
		t.Error("something was set aside")
	}
}

// TestHoleOfOneBurstIsSetAside: what was on its way together when the power went goes together.
func TestHoleOfOneBurstIsSetAside(t *testing.T) {
	idle := every(time.Millisecond)
	for i := range idle[2:] {
		idle[2+i] = idle[2+i].Add(24 * time.Hour)
	}
	for about, tt := range map[string]struct {
		times []time.Time
		lost  []int
	}{
		"one hole":                         {every(time.Millisecond), []int{2}},
		"long after the record before it":  {idle, []int{2}},
		"the last line is a hole, as well": {every(time.Millisecond), []int{2, 4}},
	} {
		t.Run(about, func(t *testing.T) {
			m := durable.NewMem()
			whole := holedAt(t, m, tt.times, tt.lost...)
			l := openLog(t, memOptions(m))
			mustAppend(t, l, 1)
			h := mustWalk(t, m)
			if got, want := h.kinds(), "event event audit.torn_tail event"; got != want {
				t.Errorf("the log holds %s, want %s", got, want)
			}
			if h.has(whole[2].Hash) {
				t.Error("what followed the first hole is still there")
			}
		})
	}
}

// TestNewHoleBehindAnOldOne: the last line goes, the old hole and what follows it stay.
func TestNewHoleBehindAnOldOne(t *testing.T) {
	m := durable.NewMem()
	whole := holedAt(t, m, every(24*time.Hour), 1, 4)
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	text := liveText(t, m)
	for i, r := range whole {
		if !strings.Contains(text, r.Hash.String()+"\"}\n") {
			t.Errorf("record %d is gone", i)
		}
	}
	if n := strings.Count(text, chain.KindTornTail); n != 1 {
		t.Errorf("%d lines set aside, want 1", n)
	}
}

// TestHoleOfAnImportIsSetAside: what an import writes in one go is years apart.
func TestHoleOfAnImportIsSetAside(t *testing.T) {
	for _, closed := range []string{"", `, "closed": {}`} {
		m := durable.NewMem()
		holed(t, m, 24*time.Hour)
		if err := m.Mkdir(testHome+"/"+ArchiveDir, 0o700); err != nil {
			t.Fatal(err)
		}
		addTo(t, m, testHome+"/"+ArchiveDir+"/"+ImportName(chain.Hash{1}), `{"format": 1`+closed+`}`)
		l := openLog(t, memOptions(m))
		mustAppend(t, l, 1)
		if set := strings.Contains(liveText(t, m), chain.KindTornTail); set != (closed == "") {
			t.Errorf("closed %q: set aside %v", closed, set)
		}
	}
}
