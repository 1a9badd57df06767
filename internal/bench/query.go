package main

// aim is what a search is measured for.
type aim uint8

const (
	aimUnique aim = iota // one record of all
	aimWindow            // a short time out of a long one
	aimRare              // some hundred records out of millions
	aimWorst             // no part of the history can be left out, or none for long
)

// query is one search, as the program is asked and as rg is.
type query struct {
	name string
	aim  aim
	args []string // of audit_search
	rg   []string // arguments that give the same lines
}

// queries are all that is measured.
func queries(n needles) []query {
	text := func(name string, a aim, s string) query {
		return query{name, a, []string{"--text", s}, []string{"-F", "--", s}}
	}
	kind := func(name string, a aim, glob, s string) query {
		return query{name, a, []string{"--kind", glob}, []string{"-F", "--", s}}
	}
	hour := n.hourText()
	window := []string{"--since", hour + "00:00.000Z", "--until", hour + "59:59.999Z"}
	return []query{
		text("a token id", aimUnique, n.token),
		text("a UUID", aimUnique, n.uuid),
		text("an IP address", aimUnique, n.address),
		{"one hour", aimWindow, window, []string{"--", `^\{"ts":"` + hour}},
		{"one hour, drift.*", aimWindow, append([]string{"--kind", "drift.*"}, window...), []string{"--", `^\{"ts":"` + hour + `[^"]*","event":"drift\.`}},
		kind("a rare kind", aimRare, "bypass_token.forged", `"event":"bypass_token.forged"`),
		text("words, few hits", aimWorst, "rollback invoice query schema"),
		text("a word, many hits", aimWorst, "customer"),
		kind("a common kind", aimWorst, "drift.*", `"event":"drift.`),
		{"an expression", aimWorst, []string{"--regex", `rollback (invoice|schema) query [a-z]+ retry`}, []string{"--", `rollback (invoice|schema) query [a-z]+ retry`}},
		text("half a hash", aimWorst, n.hash),
	}
}
