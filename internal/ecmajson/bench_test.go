package ecmajson

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// payloads gives canonical payloads as audit records have them, in the proportions of a real log:
// mostly short members and paths, some prose, some of it not ASCII. The seed is fixed.
func payloads(count int) (texts [][]byte, size int64) {
	r := rand.New(rand.NewPCG(3, 4))
	vocabulary := strings.Fields("the build of index fails when a worker token expires before retry so cache entries for staging deploy are merged twice check audit segment policy and review patch queue alert schema vector anchor ledger")
	accented := strings.Fields("café naïve Zürich déjà größer façade 日本語 поиск 🚀")
	words := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = pick(r, vocabulary)
		}
		if r.IntN(10) == 0 {
			list[r.IntN(n)] = pick(r, accented)
		}
		return strings.Join(list, " ")
	}
	hex := func(n int) string {
		const digits = "0123456789abcdef"
		b := make([]byte, n)
		for i := range b {
			b[i] = digits[r.IntN(16)]
		}
		return string(b)
	}
	path := func() string {
		return "/home/ops/projects/" + pick(r, vocabulary) + "/src/" + pick(r, vocabulary) + "/" + pick(r, vocabulary) + ".ts"
	}
	kinds := []func() string{
		func() string {
			return fmt.Sprintf(`{"surface":"claude-code","tool":%q,"args_preview":"%s %s","session":"%s","cwd":"/home/ops/projects/%s","input_chars":%d}`,
				pick(r, []string{"Bash", "Edit", "Grep", "Read"}), path(), words(2), hex(36), pick(r, vocabulary), r.IntN(5000))
		},
		func() string {
			return fmt.Sprintf(`{"surface":"claude.ai","conversation_id":"%s","text":"%s\n\n%s","char_count":%d,"stream_ms":%d,"model_hint":"large","redaction_counts":{"email":%d,"key":0}}`,
				hex(36), words(30+r.IntN(50)), words(10), r.IntN(4000), r.IntN(9000), r.IntN(3))
		},
		func() string {
			return fmt.Sprintf(`{"id":"%s","category":"deployment","project":"%s","rule_length":%d,"mode":"create"}`, hex(8), pick(r, vocabulary), r.IntN(300))
		},
		func() string {
			return fmt.Sprintf(`{"pid":%d,"corpus":"%s","seq":%d,"chunks":5178,"vectors":5178,"bytes":%d,"ms":%d}`, r.IntN(60000), hex(8), r.IntN(99), r.IntN(9_000_000), r.IntN(900))
		},
		func() string {
			return fmt.Sprintf(`{"kind":"loop","severity":"warn","reason":"%s \"%s\" %s","evidence_count":%d,"score":0.%d,"tools":["Bash","Edit"],"acknowledged":false,"ticket":null}`,
				words(6), words(2), words(4), r.IntN(9), 1+r.IntN(9))
		},
		func() string {
			return fmt.Sprintf(`{"check":"secret-scan","pattern_id":"aws-key","file":"%s","line":%d}`, path(), r.IntN(400))
		},
		func() string {
			return fmt.Sprintf(`{"surface":"claude-code","session":"%s","cwd":"/home/ops/projects/%s","char_count":%d,"text":"%s"}`, hex(36), pick(r, vocabulary), r.IntN(900), words(12+r.IntN(20)))
		},
	}
	for range count {
		text := []byte(pick(r, kinds)())
		texts = append(texts, text)
		size += int64(len(text))
	}
	return texts, size
}

// The yardstick: hashing the same bytes, which verifying a log cannot do without.
func BenchmarkSHA256(b *testing.B) {
	texts, size := payloads(4000)
	b.SetBytes(size)
	var sum byte
	for b.Loop() {
		for _, text := range texts {
			h := sha256.Sum256(text)
			sum ^= h[0]
		}
	}
}

func BenchmarkScanValue(b *testing.B) {
	texts, size := payloads(4000)
	lines := make([][]byte, len(texts)) // a payload is scanned where it stands in its line
	for i, text := range texts {
		lines[i] = append(append([]byte{}, text...), `,"prev_hash":"`+strings.Repeat("0", 64)+`","hash":"`+strings.Repeat("0", 64)+`"}`...)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for i, line := range lines {
			if ScanValue(line, 0, MaxDepth) != len(texts[i]) {
				b.Fatalf("not canonical: %s", texts[i])
			}
		}
	}
}

func BenchmarkScanString(b *testing.B) {
	for _, kind := range []struct{ name, text string }{
		{"short", "input_chars"},
		{"ascii", strings.Repeat("the build of index fails ", 40)},
		{"latin", strings.Repeat("une écriture déjà vérifiée ", 40)},
		{"han", strings.Repeat("日本語の文章です。", 40)},
		{"escapes", strings.Repeat("line\nof \"text\"\t", 40)},
	} {
		b.Run(kind.name, func(b *testing.B) {
			text := append(AppendString(nil, kind.text), `,"next":0`...)
			want := len(text) - len(`,"next":0`)
			b.SetBytes(int64(want))
			for b.Loop() {
				if ScanString(text, 0) != want {
					b.Fatal("not canonical")
				}
			}
		})
	}
}

func BenchmarkParseStringify(b *testing.B) {
	texts, size := payloads(4000)
	b.SetBytes(size)
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		for _, text := range texts {
			v, _, err := Parse(text, MaxDepth)
			if err != nil {
				b.Fatal(err)
			}
			out = AppendStringify(out[:0], v)
		}
	}
}
