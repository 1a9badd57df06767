//go:build !race

package crash

const raced = false // the race detector is on
