package chain

import "crypto/sha256"

// Rehashed is what the end of a line names and whether the bytes before it hash to that.
type Rehashed struct {
	Prev, Hash Hash
	Content    Hash // of the line's own bytes
	Right      bool // Content is Hash
}

// Rehash takes the hash of a line, given without its LF, over the line's own bytes. A right hash alone
// makes no record of a line: nonsense can be hashed, too. [ReadLine] says what a line is. A line
// that does not end as records are written is never right.
//
// buf is scratch space; what it has become is for the next call.
func Rehash(line, buf []byte) (r Rehashed, _ []byte) {
	t, ok := tailOf(line)
	if !ok || !decodeHash(&r.Prev, t.prev) || !decodeHash(&r.Hash, t.hash) {
		return Rehashed{}, buf
	}
	buf = append(buf[:0], hashedStart...)
	buf = append(buf, t.prev...)
	buf = append(buf, `",`...)
	buf = append(buf, line[1:len(line)-tailLen]...)
	buf = append(buf, '}')
	r.Content = sha256.Sum256(buf)
	r.Right = r.Content == r.Hash
	return r, buf
}
