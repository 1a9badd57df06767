package report

import (
	"reflect"
	"testing"
)

// FuzzLast: a kept verdict that is read reads the same written anew.
func FuzzLast(f *testing.F) {
	for _, l := range []Last{{Schema: LastSchema}, {Schema: LastSchema, Verdict: "intact", Exit: 3, Head: &Head{Record: 1, Hash: "ab"}, Records: 1 << 60}, {Schema: "other"}} {
		text, err := l.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"schema":"opscontext.last/1","head":null,"records":1e3,"SCHEMA":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseLast(text)
		if err != nil {
			return
		}
		again, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if same, err := ParseLast(again); err != nil || !reflect.DeepEqual(same, l) {
			t.Errorf("%q reads as %+v, and %q as %+v: %v", text, l, again, same, err)
		}
	})
}
