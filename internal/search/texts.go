package search

import (
	"regexp/syntax"
	"strings"
)

// texts are what must occur in a record for it to be wanted, as its strings read. What a query asks
// for besides is asked of the records that have them all.
func (q *Query) texts() []string {
	var all []string
	if q.Text != "" {
		all = append(all, q.Text)
	}
	if q.Session != "" && !strings.Contains(q.Session, `\`) { // a value that is no text has other escapes
		all = append(all, q.Session)
	}
	if q.Regexp != nil {
		if parsed, err := syntax.Parse(q.Regexp.String(), syntax.Perl); err == nil {
			if text := literal(parsed.Simplify()); text != "" {
				all = append(all, text)
			}
		}
	}
	return all
}

// literal gives the longest text that whatever an expression matches must contain; empty if there is
// none to be seen.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return literalRunes(re)
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0])
	case syntax.OpConcat:
		best, run := "", ""
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpLiteral {
				if text := literalRunes(sub); text != "" {
					run += text
					continue
				}
			}
			best, run = longer(best, run), ""
			best = longer(best, literal(sub))
		}
		return longer(best, run)
	}
	return ""
}

// literalRunes is the text of a literal; empty if it matches other texts, too: in either case, or
// bytes that are no UTF-8.
func literalRunes(re *syntax.Regexp) string {
	text := string(re.Rune)
	if re.Flags&syntax.FoldCase != 0 || strings.ContainsRune(text, '\uFFFD') {
		return ""
	}
	return text
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// plainPart gives the longest part of some texts that stands in the bytes of a usual record as it
// reads, because nothing in it is ever escaped; empty if there is none.
func plainPart(texts []string) string {
	best := ""
	for _, text := range texts {
		from := 0
		for i := 0; i <= len(text); i++ {
			if i == len(text) || escaped(text[i]) {
				best = longer(best, text[from:i])
				from = i + 1
			}
		}
	}
	return best
}

// escaped reports whether a byte of a string may be written otherwise in canonical spelling: controls,
// quotes, and the first byte of a surrogate without its partner, which some letters share.
func escaped(c byte) bool { return c < 0x20 || c == '"' || c == '\\' || c == 0xed }
