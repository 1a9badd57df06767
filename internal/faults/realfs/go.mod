// The sweeps that need a file system of their own. They are a module of their own, too, so that the
// program's module graph stays free of what only they import.
module github.com/opscontext/opscontext/internal/faults/realfs

go 1.26.0

require (
	github.com/hanwen/go-fuse/v2 v2.12.1
	golang.org/x/sys v0.49.0
)
