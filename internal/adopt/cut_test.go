package adopt_test

import (
	"bytes"
	"fmt"
	"path"
	"testing"

	"pgregory.net/rapid"

	"github.com/opscontext/opscontext/chain"
	"github.com/opscontext/opscontext/internal/adopt"
	"github.com/opscontext/opscontext/internal/durable"
	"github.com/opscontext/opscontext/segment"
)

// Whatever a home holds, the pieces of a file are the file, in order and without a gap; and a file that
// has grown has the same pieces, but for the last one, and more.
func TestPiecesAreTheFile(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := durable.NewMem()
		if err := m.Mkdir(oldPath, 0o700); err != nil {
			r.Fatal(err)
		}
		if err := m.Mkdir(oldArchive, 0o700); err != nil {
			r.Fatal(err)
		}
		head := chain.Genesis
		write := func(name string, text []byte) {
			if err := m.Replace(name, text, 0o600); err != nil {
				r.Fatal(err)
			}
		}
		files := map[string][]byte{}
		for n := range rapid.IntRange(0, 2).Draw(r, "sealed") {
			name := fmt.Sprintf("%s/audit-%04d.jsonl", segment.ArchiveDir, 1+3*n)
			files[name] = history(r, &head)
			if rapid.Bool().Draw(r, "cut short") && len(files[name]) > 0 {
				files[name] = files[name][:len(files[name])-1]
			}
			write(oldPath+"/"+name, files[name])
		}
		live := history(r, &head)
		files[segment.LiveName] = live
		write(oldPath+"/"+segment.LiveName, live)
		o := options(m)
		o.Log.MaxBytes = rapid.SampledFrom([]int64{1 << 10, 2 << 10, 1 << 20}).Draw(r, "max_bytes")
		o.Log.Period = rapid.SampledFrom([]segment.Period{segment.PeriodYear, segment.PeriodDay, segment.PeriodNone}).Draw(r, "period")
		whole := pieces(r, m, o, files)
		n := bytes.IndexByte(live[rapid.IntRange(0, len(live)-1).Draw(r, "cut"):], '\n')
		if n < 0 {
			return
		}
		files[segment.LiveName] = live[:len(live)-n]
		write(oldPath+"/"+segment.LiveName, files[segment.LiveName])
		part := pieces(r, m, o, files)
		for i, s := range part {
			if same := s == whole[i]; !same && i < len(part)-1 || s.Offset != whole[i].Offset {
				r.Fatalf("piece %d is %+v, in the grown file %+v", i, s, whole[i])
			}
		}
	})
}

// history is the text of a file: records of increasing times, some that go back, blank lines and lines
// that are no records; the last line is a record.
func history(r *rapid.T, head *chain.Hash) (text []byte) {
	n := rapid.IntRange(1, 30).Draw(r, "lines")
	for i := range n {
		what := rapid.IntRange(0, 9).Draw(r, "line")
		if i == n-1 {
			what = 9
		}
		switch what {
		case 0:
			text = append(text, '\n')
		case 1:
			text = append(text, "no record\n"...)
		default:
			year := rapid.IntRange(2019, 2023).Draw(r, "year")
			rec, err := chain.Seal(*head, fmt.Sprintf("%d-05-06T07:08:09.000Z", year), "test.event", "ci", fmt.Appendf(nil, `{"n":%d}`, rapid.Int().Draw(r, "n")))
			if err != nil {
				r.Fatal(err)
			}
			*head = rec.Hash
			text = chain.AppendLine(text, &rec)
		}
	}
	return text
}

// pieces looks at the old home and holds the pieces against the files, as far as they have their last LF.
func pieces(r *rapid.T, m *durable.Mem, o adopt.Options, files map[string][]byte) []adopt.Segment {
	report, err := adopt.Look(r.Context(), o)
	if err != nil {
		r.Fatal(err)
	}
	at := map[string]int64{}
	last := int64(0)
	for _, s := range report.Segments {
		if s.Offset != at[s.Source] || s.Bytes <= 0 {
			r.Fatalf("%+v begins elsewhere than at %d", s, at[s.Source])
		}
		text := files[s.Source][s.Offset : s.Offset+s.Bytes]
		at[s.Source] += s.Bytes
		if sum := chain.Hash(sha(text)); sum.String() != s.SHA256 {
			r.Fatalf("%+v has the SHA-256 %v", s, sum)
		}
		if name, _, ok := segment.ParseName(path.Base(s.File)); ok {
			if name.Number <= last {
				r.Fatalf("%s comes after number %d", s.File, last)
			}
			last = name.Number
		}
		if first := bytes.IndexByte(text, '\n'); s.Records > 1 && s.Bytes > o.Log.MaxBytes && int64(first) < o.Log.MaxBytes && !oddLines(text) {
			r.Fatalf("%+v is over the bound", s)
		}
	}
	for name, text := range files {
		want := len(text)
		if name == segment.LiveName {
			want = bytes.LastIndexByte(text, '\n') + 1
		}
		if at[name] != int64(want) {
			r.Fatalf("%d bytes of %s are brought over, want %d", at[name], name, want)
		}
	}
	return report.Segments
}

// oddLines reports whether lines that never begin a segment are among these.
func oddLines(text []byte) bool {
	return bytes.Contains(text, []byte("\n\n")) || bytes.Contains(text, []byte("no record")) || bytes.HasPrefix(text, []byte("\n"))
}
