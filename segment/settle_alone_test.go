package segment

import (
	"errors"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/internal/ecmajson"
)

func TestSettleAloneSetsATornTailAside(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	closeLog(t, l)
	addTo(t, m, testHome+"/"+LiveName, `{"ts":"2026`)
	l = openLog(t, memOptions(m))
	for range 2 { // the second time there is nothing left to do
		if err := l.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := mustWalk(t, m).kinds(), "event audit.torn_tail"; got != want {
			t.Errorf("the log holds %s, want %s", got, want)
		}
	}
}

func TestSettleAloneSaysWhatKeepsItFromSettling(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	closeLog(t, l)
	addTo(t, m, testHome+"/"+LiveName, "garbage\n")
	l = openLog(t, memOptions(m))
	if err := l.Settle(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v, want ErrRefused", err)
	}
}

func TestSystemRecordIsHeldToItsPremises(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	head := mustAppend(t, l, 1)
	no := errors.New("no longer so")
	_, err := l.AppendSystemAt(t.Context(), chain.KindRestore, []byte("{}"), func(p Place) error {
		if p.Head != head.Hash {
			t.Errorf("head %s, want %s", p.Head, head.Hash)
		}
		return no
	})
	if !errors.Is(err, no) || len(mustWalk(t, m).records) != 1 {
		t.Errorf("error %v, the log holds %s", err, mustWalk(t, m).kinds())
	}
}

// TestAnchorBeginsAnIncarnation: in the process that writes it, and in one that finds it.
func TestAnchorBeginsAnIncarnation(t *testing.T) {
	for _, later := range []string{"same process", "another process"} {
		m := durable.NewMem()
		l := openLog(t, alone(m))
		first := mustAppend(t, l, 1)
		closeLog(t, l)
		l = openLog(t, alone(m))
		claim := chain.Claim{Grade: chain.Asserted}
		anchor := chain.Anchor{LogID: first.Hash, Incarnation: 7, Where: chain.WhereTail, Cause: chain.CauseOther,
			Lost: chain.Lost{HeadClaim: claim, RecordClaim: claim, TimeClaim: claim}}
		if _, err := l.AppendSystem(t.Context(), chain.KindAnchor, anchor.Payload()); err != nil {
			t.Fatal(err)
		}
		if later == "another process" {
			m = m.Crash(durable.Loss{}) // before the mark was moved
			l = openLog(t, alone(m))
		}
		if _, err := l.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		records := mustWalk(t, m).records
		v, _, err := ecmajson.Parse(records[len(records)-1].Payload, chain.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		p, err := chain.ParseRotate(chain.KindRotate, v)
		if err != nil || p.Incarnation != 7 {
			t.Errorf("%s: the next segment is of incarnation %d (%v), want 7", later, p.Incarnation, err)
		}
	}
}

// alone are options of a log that no other program writes to.
func alone(m *durable.Mem) Options {
	o := memOptions(m)
	o.Sharing = Exclusive
	return o
}

func TestRepairSetsAsideWhatIsNoRecord(t *testing.T) {
	m := durable.NewMem()
	l := openLog(t, memOptions(m))
	mustAppend(t, l, 1)
	closeLog(t, l)
	addTo(t, m, testHome+"/"+LiveName, "garbage\n{\"a\":1}\n")
	l = openLog(t, memOptions(m))
	for range 2 {
		if err := l.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h := mustWalk(t, m)
	if got, want := h.kinds(), "event audit.torn_tail audit.torn_tail"; got != want {
		t.Errorf("the log holds %s, want %s", got, want)
	}
	var kept []byte
	for _, name := range listDir(t, m, testHome+"/"+QuarantineDir) {
		data, err := readAll(m, testHome+"/"+QuarantineDir+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, data...)
	}
	if got := string(kept); got != "garbage\n{\"a\":1}\n" && got != "{\"a\":1}\ngarbage\n" {
		t.Errorf("set aside is %q", got)
	}
	if !strings.Contains(string(h.records[1].Payload), chain.NoteOdd) {
		t.Errorf("the record says %s", h.records[1].Payload)
	}
	// An ordinary append does not do that by itself.
	closeLog(t, l)
	addTo(t, m, testHome+"/"+LiveName, "garbage\n")
	l = openLog(t, memOptions(m))
	if _, err := l.Append(t.Context(), event(2)); !errors.Is(err, ErrRefused) {
		t.Errorf("append: %v, want ErrRefused", err)
	}
}
