// Package search finds records in a home by what they say: in live, sealed and archived segments
// alike, and in the abandoned branches beside them. It judges nothing but, where it is asked to, the
// hash of a record by itself.
//
// A [Query] says which records are wanted, [Run] looks for them in a snapshot, in parallel and in
// reading order, and says of what it could not look at that it could not. What it holds at a time is
// bounded by the extents in flight, not by the number of hits.
package search
