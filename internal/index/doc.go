// Package index says which frames of an archived segment may hold a record that is looked for, so
// that the others need not be decompressed: by the times, kinds and actors in a frame, and by which
// three bytes, and six letters or digits, stand in a row in what its records say.
//
// An index is derived from its segment and never trusted to judge it: whoever has the segment can make
// the index again, byte for byte, and without one every answer is the same and comes later. It errs to
// one side only: a frame that it rules out holds nothing that was looked for. Checksums
// tell an index from one that was damaged since. Its layout is in docs/FORMAT.md.
package index
