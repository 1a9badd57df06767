// Package follow gives the last records of a log and then those that are appended to it, each once and
// in reading order, whatever happens to the files meanwhile: the live log is rotated, once or several
// times between two looks, segments are archived, a writer of existing installs cuts the live log to
// its last records, a torn line is completed or set aside, the log is away for a moment.
//
// It looks at the live log a few times a second and reads what is new there: one stat(2) where nothing
// is. Where it has come to is the last line it passed, by place and by content. While that line is where
// it was, what is behind it is new; if it is not, it is looked for in a snapshot of the whole log, by
// content and by the hashes of the records passed last. Nothing is written and no lock is taken.
package follow
