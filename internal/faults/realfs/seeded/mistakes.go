//go:build linux

package seeded

// Mistake is a mistake, and the check that is there for it.
type Mistake struct {
	Name  string   // as in [Variable]; [None] is none
	Sweep string   // the program of the check
	Args  []string // its shortest form that finds the mistake
	Says  string   // what it says then; "" if it must find nothing
}

// None is the name under which every mistake stays asleep: that the same build is good then shows that it is
// the mistakes that are found.
const None = "none"

// Mistakes are all of them, with each sweep that is to find one.
var Mistakes = []Mistake{
	{None, "powercut", operation("append"), ""},
	{"no fsync", "powercut", operation("append"), lost},
	{"no fsync", "blockimage", operation("append"), lost},
	{"no directory fsync", "powercut", operation("first-append"), lost},
	{"ack before sync", "powercut", operation("append"), lost},
	{"ack before sync", "blockimage", operation("first-append"), lost},
	{"mark before sync", "powercut", operation("append"), "damage: 1 roll-back"},
	{"failed sync taken for a good one", "badwrite", operation("append"), lost},
	{"full disk swallowed", "fulldisk", []string{"-point", "bytes/40/120"}, lost},
	{"full disk swallowed", "kill", []string{"-scenario", "^append$", "-mode", "^ENOSPC"}, "damage: 1 roll-back"},
	{"rename over an existing segment", "kill", []string{"-scenario", "^second-rotation$", "-mode", "^kill-after$"}, "damage: 1 gap with records missing"},
	{"lock stealing", "kill", []string{"-scenario", "^$", "-mode", "^$", "-storm", "1s"}, "64 writers at once: "},
	{"memory without bound", "limits", []string{"-point", "F23-memory"}, "BAD F23-memory"},
}

// lost is how the sweeps of this module say that the mistake cost acknowledged records.
const lost = " acknowledged records lost"

// operation sweeps one operation up to the first bad point.
func operation(name string) []string { return []string{"-operation", "^" + name + "$", "-first"} }
