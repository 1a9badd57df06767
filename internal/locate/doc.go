// Package locate finds one record of a log, by its position in reading order, its hash or the place of
// its line, and says where it stands and what stands around it. It judges no more than the record by
// itself.
//
// Positions are those of findings: every line that is JSON counts, in reading order, without the copies
// that an interrupted rotation left in the live log (docs/FORMAT.md, "Reading"). They are counted in the
// records themselves, each time: what a manifest says of a segment is not relied on.
package locate
