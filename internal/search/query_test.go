package search

import (
	"strings"
	"testing"

	"github.com/opscontext/opscontext/internal/kinds"
	"github.com/opscontext/opscontext/internal/timerange"
)

func TestQueryByKind(t *testing.T) {
	for _, c := range []struct {
		globs string
		line  string
		want  bool
	}{
		{"", `{"ts":"T","event":"a"}`, true},
		{"", `{"event":1}`, true},
		{"drift.*", `{"ts":"T","event":"drift.detected","payload":{}}`, true},
		{"drift.*", `{"ts":"T","event":"drift.hallucination"}`, true},
		{"drift.*", `{"ts":"T","event":"drift"}`, false},
		{"drift.*", `{"ts":"T","event":"Drift.detected"}`, false},
		{"drift.hallucination", `{"event":"drift.detected","payload":{"kind":"fabrication_suspect"}}`, false},
		{"drift.hallucination", `{"event":"drift.hallucination"}`, true},
		{"hook.block drift.*", `{"event":"hook.block"}`, true},
		{"hook.block drift.*", `{"event":"hook.blocks"}`, false},
		{"audit.?o*[e-z]e", `{"event":"audit.rotate"}`, true},
		{"*", `{"event":""}`, true},
		{"*", `{"event":"a,b"}`, true},
		{"*", `{"event":null}`, false},
		{"*", `{"event":["a"]}`, false},
		{"*", `{"ts":"T","payload":{"event":"a"}}`, false},
		{"*", `{"hash":"h"}`, false},
		{"a", `{"event":"b","event":"a"}`, true},
		{"a", `{"event":"a","event":"b"}`, false},
		{"a", `{"EVENT":"a"}`, false},
		{"a", ` { "payload" : [ 1.0 ] , "event" : "\u0061" } `, true},
		{`a\*`, `{"event":"a*"}`, true},
	} {
		s := Query{Kinds: strings.Fields(c.globs)}
		if got := s.Wants([]byte(c.line)); got != c.want {
			t.Errorf("%q wants %s: %v", c.globs, c.line, got)
		}
	}
}

// A category is one of the kind, whatever the record says besides; with globs, both have to be met.
func TestQueryByCategory(t *testing.T) {
	for _, c := range []struct {
		categories, globs string
		line              string
		want              bool
	}{
		{"security", "", `{"event":"audit.redact"}`, true},
		{"security", "", `{"event":"imported.audit.redact"}`, true},
		{"security", "", `{"event":"hook.block"}`, false},
		{"exception", "", `{"event":"drift.det\u0065cted"}`, true},
		{"security fault", "", `{"event":"hook.block"}`, true},
		{"security fault", "hook.*", `{"event":"hook.block"}`, true},
		{"security fault", "audit.*", `{"event":"hook.block"}`, false},
		{"security", "hook.*", `{"event":"hook.block"}`, false},
		{"unknown", "", `{"event":"made.up"}`, true},
		{"unknown", "", `{"event":""}`, true},
		{"unknown", "", `{"event":"hook.block"}`, false},
		{"unknown", "", `{"event":7}`, false},
		{"unknown", "", `{"ts":"T"}`, false},
		{"user-activity exception fault security unknown", "", `{"event":null}`, false},
		{"fault", "", `{"event":"audit.rotate","event":"hook.block"}`, true},
	} {
		q := Query{Kinds: strings.Fields(c.globs)}
		for _, name := range strings.Fields(c.categories) {
			q.Categories = append(q.Categories, kinds.Category(name))
		}
		if got := q.Wants([]byte(c.line)); got != c.want {
			t.Errorf("%q, %q wants %s: %v", c.categories, c.globs, c.line, got)
		}
	}
}

// A record has to be in the range and of the kind.
func TestQueryByTimeAndKind(t *testing.T) {
	s := Query{Span: timerange.Range{Since: "2026-01-01T00:00:00.000Z", Until: "2026-12-31T23:59:59.999Z"}, Kinds: []string{"a"}}
	for line, want := range map[string]bool{
		`{"ts":"2026-06-01T00:00:00.000Z","event":"a","payload":1}`: true,
		`{"event":"a","ts":"2026-06-01T00:00:00.000Z"}`:             true,
		`{"event":"a","ts":"2025-06-01T00:00:00.000Z"}`:             false,
		`{"ts":"2025-06-01T00:00:00.000Z","event":"a"}`:             false,
		`{"ts":"2026-06-01T00:00:00.000Z","event":"b"}`:             false,
		`{"ts":7,"event":"a"}`:                                      true,
		`{"event":"a"}`:                                             true,
		`{"ts":"2026-06-01T00:00:00.000Z"}`:                         false,
	} {
		if got := s.Wants([]byte(line)); got != want {
			t.Errorf("wants %s: %v", line, got)
		}
	}
}
