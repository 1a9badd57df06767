package main

import "time"

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
	window := func(name string, hour time.Time) query {
		begins := hourText(hour)
		return query{name, aimWindow, []string{"--since", begins + "00:00.000Z", "--until", begins + "59:59.999Z"}, []string{"--", `^\{"ts":"` + begins}}
	}
	busy := window("a busy hour, drift.*", n.busy)
	busy.args = append(busy.args, "--kind", "drift.*")
	busy.rg[1] += `[^"]*","event":"drift\.`
	return []query{
		text("a token id", aimUnique, n.token),
		text("a UUID", aimUnique, n.uuid),
		text("an IP address", aimUnique, n.address),
		window("one hour", n.usual),
		busy,
		kind("a rare kind", aimRare, "bypass_token.forged", `"event":"bypass_token.forged"`),
		text("words, few hits", aimWorst, "rollback invoice query schema"),
		text("a word, many hits", aimWorst, "customer"),
		kind("a common kind", aimWorst, "drift.*", `"event":"drift.`),
		{"an expression", aimWorst, []string{"--regex", `rollback (invoice|schema) query [a-z]+ retry`}, []string{"--", `rollback (invoice|schema) query [a-z]+ retry`}},
		text("half a hash", aimWorst, n.hash),
	}
}
