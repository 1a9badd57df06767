// Package chain is the record and the chain of records: how a record is written, how a line is read,
// and what the records of a history show when they are held against one another. It knows no files,
// no clock and no network; docs/FORMAT.md is the text it follows.
//
// [Seal] makes a record, [AppendLine] its line, [ReadLine] judges a line by itself under two lenses:
// the line's own bytes, and the values that ECMAScript reads from it.
//
// A history is judged in blocks. [JudgeBlock] looks at one piece, alone and so in parallel with
// others; [Judge.Join] links the pieces in order; [Judge.Finish] gives the [Verdict]. What is not
// simply the next record is kept as an item, and only for items are parents and copies looked for in
// a second look over the history, so that memory grows with what is wrong and not with what is
// there. [Verdict.Compat] is the report existing verifiers of the format give of the same records;
// [Verdict.Findings] is ours, which tells apart what they do not.
package chain
