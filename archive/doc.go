// Package archive compresses sealed segments, describes them in manifests, reads them back as a
// [segment.Source], and keeps copies elsewhere.
//
// An archived segment is a standard zstd file: independent frames of about 1 MiB of JSON lines each,
// cut at line ends, and at the end a seek table in the zstd seekable format. zstd -d gives the exact
// bytes; a seekable reader finds any of them. Beside it lies its manifest, which says what the segment
// holds and can be made again from the compressed file and the audit.archive record that the chain
// keeps of it (docs/FORMAT.md).
//
// [Run] archives a home. [Opener] gives the reader that a [segment.Snapshot] wants. [Store] is a place
// elsewhere that takes each object once and never changes it.
//
// What is read here may have been written by anybody: the sizes that a file declares bound what is
// decoded, limits bound what may be declared, and nothing that a file says names a path.
package archive
