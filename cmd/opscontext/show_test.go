package main

import (
	"errors"
	"strings"
	"testing"
)

// FuzzRecordQuery: a record is named by one of three things, or the mistake is the caller's and says
// what to write.
func FuzzRecordQuery(f *testing.F) {
	for _, s := range []string{"0", "#1,234,567", "audit-0002.jsonl:610", "audit.log:-1", ":3", strings.Repeat("ab", 32), "ABCDEF", "99999999999999999999", "", "#", "-1", "a:b:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseRecordQuery(text)
		var usage *usageError
		if err != nil {
			if !errors.As(err, &usage) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if q.Index < 0 || q.Offset < 0 || q.Source != "" && q.Hash != "" || strings.Trim(q.Hash, "0123456789abcdef") != "" {
			t.Errorf("%q reads as %+v", text, q)
		}
	})
}
