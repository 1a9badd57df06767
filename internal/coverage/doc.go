// Package coverage answers whether a log is being written: how many records there are of something,
// day by day, where there are none, and what went silent against its own past. It sees times alone;
// it knows no clock and no log.
package coverage
