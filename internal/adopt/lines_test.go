package adopt

import (
	"bytes"
	"context"
	"testing"
	"testing/iotest"

	"github.com/opscontext/opscontext/chain"
)

// FuzzStretches: all bytes of an old file come through, in order, cut at the ends of lines, however
// little of it a read gives.
func FuzzStretches(f *testing.F) {
	f.Add([]byte("a\n\nb\r\nc"), 1)
	f.Add([]byte("\xff\x00\n"), 2)
	f.Add(bytes.Repeat([]byte("x"), 100), 3)
	f.Fuzz(func(t *testing.T, file []byte, times int) {
		file = bytes.Repeat(file, int(uint(times)%1000)) // lines longer than a block
		var got []byte
		err := stretches(context.Background(), iotest.DataErrReader(bytes.NewReader(file)), func(s stretch) error {
			if n := bytes.IndexByte(s.data, '\n'); len(s.data) == 0 || n >= 0 && n != len(s.data)-1 || s.line && len(s.data) > chain.MaxLine+1 {
				t.Errorf("%d bytes, LF at %d, line %v", len(s.data), n, s.line)
			}
			if s.line && len(got) > 0 && got[len(got)-1] != '\n' {
				t.Errorf("a line begins at %d, in the middle of one", len(got))
			}
			got = append(got, s.data...)
			return nil
		})
		if err != nil || !bytes.Equal(got, file) {
			t.Errorf("%d of %d bytes: %v", len(got), len(file), err)
		}
	})
}
