package chain_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// However many copies there are that stand alone, a verdict looks at the history once more and no further:
// a look for each would cost more than the rest.
func TestCopiesTakeOneMoreLook(t *testing.T) {
	lines := bytes.SplitAfter(realistic(2000), []byte("\n"))
	var data []byte
	copies := int64(0)
	for i, line := range lines {
		data = append(data, line...)
		if i%20 == 10 {
			data = append(data, line...)
			copies++
		}
		if i%20 == 15 {
			data = append(data, lines[i/2]...) // of one long before
			copies++
		}
	}
	ins := cut(0, data, 64<<10)
	j := chain.NewJudge([]chain.SourceInfo{{Name: "audit.log", Live: true}})
	for _, in := range ins {
		j.Join(chain.JudgeBlock(in, chain.Look{}))
	}
	read := 0
	again := func(_ context.Context, from, to int, each func(int, chain.Input)) error {
		for i := from; i < to; i++ {
			read++
			each(i, ins[i])
		}
		return nil
	}
	v, err := j.Finish(context.Background(), again, chain.Rules{Forks: chain.Fork})
	if err != nil || v.Copies != copies {
		t.Fatalf("%d copies, %v; want %d", v.Copies, err, copies)
	}
	// A copy at the end of a block may take looks of its own: its block, and that of the original.
	if most := len(ins) * 3; read > most {
		t.Errorf("%d of %d blocks were read again, want %d at most", read, len(ins), most)
	}
}
