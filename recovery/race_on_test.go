//go:build race

package recovery

// raced says that the race detector is on, under which everything costs ten times as much.
const raced = true
