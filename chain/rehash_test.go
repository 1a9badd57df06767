package chain_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/opscontext/opscontext/chain"
)

// Rehash looks at bytes only: what is right for it may be no record, and what it calls wrong may be one
// in another spelling.
func TestRehash(t *testing.T) {
	line := bytes.TrimSuffix(realistic(1), []byte("\n"))
	exact := chain.ReadLine(line)
	r, buf := chain.Rehash(line, nil)
	if !r.Right || r.Prev != exact.Record.Prev || r.Hash != exact.Record.Hash || r.Content != exact.Content {
		t.Errorf("%+v of %+v", r, exact)
	}
	nonsense := bytes.Replace(line, []byte(`"payload":`), []byte(`"payload" `), 1)
	if r, buf = chain.Rehash(nonsense, buf); r.Right || r.Hash != exact.Record.Hash || r.Content == exact.Content {
		t.Errorf("altered: %+v", r)
	}
	rehashed := strings.Replace(string(nonsense), exact.Record.Hash.String(), r.Content.String(), 1)
	if r, buf = chain.Rehash([]byte(rehashed), buf); !r.Right {
		t.Errorf("hashed nonsense: %+v", r)
	}
	if c := chain.ReadLine([]byte(rehashed)).Class; c != chain.LineUnreadable {
		t.Errorf("hashed nonsense reads as %v", c)
	}
	for _, odd := range []string{"", "{", "{ " + string(line[1:]), string(line) + " ", string(line[:len(line)-1]), strings.ToUpper(string(line))} {
		if r, buf = chain.Rehash([]byte(odd), buf); r.Right {
			t.Errorf("%q is right", odd)
		}
	}
}
