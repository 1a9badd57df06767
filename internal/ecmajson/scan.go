package ecmajson

// ScanValue returns the end of the JSON value that starts at b[i] if the text b[i:end] is, byte for
// byte, what JSON.stringify writes for the value JSON.parse reads from it: no white space, every
// string, number and member where and as ECMAScript would put it, no member twice, all of it UTF-8.
// It returns -1 for everything else, and for a value nested more than maxDepth levels, at most
// [MaxDepth]. What follows the value is not looked at, except that a number ends before the first
// byte that cannot be part of one.
//
// It allocates only for objects of more than 16 members.
func ScanValue(b []byte, i, maxDepth int) int {
	return scanValue(b, i, min(maxDepth, MaxDepth))
}

// scanValue scans the value at i, which may hold depth more levels.
func scanValue(b []byte, i, depth int) int {
	if uint(i) >= uint(len(b)) {
		return -1
	}
	switch b[i] {
	case '"':
		return ScanString(b, i)
	case '{':
		return scanObject(b, i+1, depth-1)
	case '[':
		return scanArray(b, i+1, depth-1)
	case 't':
		return scanLiteral(b, i, "true")
	case 'f':
		return scanLiteral(b, i, "false")
	case 'n':
		return scanLiteral(b, i, "null")
	}
	return scanNumber(b, i)
}

func scanLiteral(b []byte, i int, literal string) int {
	end := i + len(literal)
	if end > len(b) || string(b[i:end]) != literal {
		return -1
	}
	return end
}

// scanArray scans from behind the bracket.
func scanArray(b []byte, i, depth int) int {
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == ']' {
		return i + 1
	}
	for {
		i = scanValue(b, i, depth)
		if uint(i) >= uint(len(b)) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

// scanObject scans from behind the brace.
func scanObject(b []byte, i, depth int) int {
	if depth < 0 || i >= len(b) {
		return -1
	}
	if b[i] == '}' {
		return i + 1
	}
	m := members{index: -1}
	for {
		end := ScanString(b, i)
		if uint(end) >= uint(len(b)) || b[end] != ':' || !m.add(b, i+1, end-1) {
			return -1
		}
		i = end + 1
		if i < len(b) && b[i] == '"' {
			i = ScanString(b, i)
		} else {
			i = scanValue(b, i, depth)
		}
		if uint(i) >= uint(len(b)) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case '}':
			if m.many != nil && !distinct(b, m.many) {
				return -1
			}
			return i + 1
		default:
			return -1
		}
	}
}
