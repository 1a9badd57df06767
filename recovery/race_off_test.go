//go:build !race

package recovery

// raced says that the race detector is on.
const raced = false
