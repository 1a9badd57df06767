//go:build race

package crash

const raced = true // the race detector is on
